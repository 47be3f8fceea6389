// A slider moves the border between two layers; radio buttons choose the layers.
document.addEventListener("input", (event) => {
  const slider = event.target.closest(".compare input");
  if (slider) slider.parentElement.style.setProperty("--at", slider.value + "%");
});
document.addEventListener("change", (event) => {
  const side = event.target.closest(".sides fieldset");
  if (!side) return;
  for (const layer of side.closest(".layers").querySelectorAll(".layer"))
    layer.classList.toggle(side.dataset.side, layer.dataset.name === event.target.value);
});

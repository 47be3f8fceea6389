// The line below a confusion matrix explains its cells; arrow keys walk from cell to cell.
const explain = (event) => {
  const cell = event.target.closest(".map .cell");
  if (cell) cell.closest(".map").querySelector("output").value = cell.querySelector("title").textContent;
};
document.addEventListener("focusin", explain);
document.addEventListener("pointerover", explain);
const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
document.addEventListener("keydown", (event) => {
  const cell = event.target.closest(".map .cell"), step = steps[event.key];
  if (!cell || !step) return;
  event.preventDefault();
  const cells = [...cell.parentElement.querySelectorAll(".cell")], side = Math.sqrt(cells.length);
  const index = cells.indexOf(cell);
  const row = Math.floor(index / side) + step[0], column = index % side + step[1];
  if (Math.min(row, column) < 0 || Math.max(row, column) >= side) return;
  const next = cells[row * side + column];
  cell.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
});

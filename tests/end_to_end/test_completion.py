"""Completion as shells ask for it: the installed script, sourced by the real shell."""

import shutil
import subprocess

import pytest

from tests.support.command_line import plain_environment, run_python, write_program

BASH = """
source "$HOME/.bash_completions/grapy.sh"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_grapy_completion grapy; echo "${{COMPREPLY[@]}}"
"""
FISH = 'source "$HOME/.config/fish/completions/grapy.fish"; complete -C "grapy {line}"'
ZSH = """
compdef() {{}}; _arguments() {{ print -r -- "$@" }}; _describe() {{ print -r -- "$@" }}
words=(grapy {line}); CURRENT=$#words; source "$HOME/.zfunc/_grapy"; _grapy_completion
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    write_program(home)
    return home


def complete(home, shell, program):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    environment = plain_environment(HOME=str(home), ZDOTDIR=str(home))
    environment["PATH"] = f"{home}:{environment['PATH']}"
    for one in ("grapy --install-completion; true", program):
        ran = subprocess.run(
            [shell, "-c", one], env=environment, cwd=home, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_bash_offers_stages(home):
    said = complete(home, "bash", BASH.format(words='grapy train --stage ""'))
    assert said.split() == ["pretrain", "joint", "finetune"]


def test_bash_goes_on_with_a_list(home):
    said = complete(home, "bash", BASH.format(words="grapy predict --dataset atr,c"))
    assert said.split() == ["atr,cihp"]


def test_fish_offers_label_sets_and_orders(home):
    said = complete(home, "fish", FISH.format(line="labels s"))
    assert {"schp-atr", "schp-pascal"} <= set(said.split())


def test_zsh_offers_settings(home):
    said = complete(home, "zsh", ZSH.format(line="train --set train.optimizer.mo"))
    assert "train.optimizer.momentum=" in said


def test_the_tab_key_waits_for_nothing_heavy(tmp_path):
    program = (
        "import sys\nfrom grapy_cli.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('heavy:', [name for name in ('torch', 'numpy', 'PIL') if name in sys.modules])"
    )
    asked = {"_TYPER_COMPLETE": "", "COMP_WORDS": "grapy train --set ", "COMP_CWORD": "3"}
    ran = run_python("-c", program, folder=tmp_path, _GRAPY_COMPLETE="complete_bash", **asked)
    assert "train.lr=" in ran.stdout.split()
    assert ran.stdout.endswith("heavy: []\n")

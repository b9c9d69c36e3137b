"""The command line: one sub-command for each verb, its flags read off the verb's signature."""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import field, make_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import ganvas
from ganvas.skins.console import tell

VERBS = {
    "train": "train a generator on your data",
    "generate": "draw samples from a trained generator",
    "impute": "fill the missing values of a table",
    "balance": "say whether balancing the classes of a table helps, and do it",
    "evaluate": "judge a generator or samples against real ones, with the protocol",
    "diagnose": "say what is wrong with a run's game, and whether to train on",
    "explore": "walk through a generator's latent space, and edit what it makes",
    "export": "take a generator out of its run: ONNX, torch program, hub folder, web page",
    "serve": "answer HTTP requests for samples, many at a time",
    "report": "write one HTML file on a run, or on several compared",
    "show": "say what a run is, how far it got, and its last figures",
    "list": "list games, nets, recipes, data and runs",
}
POSITIONAL = {
    **dict.fromkeys(("generate", "show", "diagnose", "export"), ("run",)),
    "train": ("data",),
    "evaluate": ("what",),
    "explore": ("run", "what"),
    "impute": ("what",),
    "balance": ("source",),
    "report": ("runs",),
    "serve": ("models",),
    "list": ("kind",),
}
MORE = {  # to a verb's help
    "train": "\n\nThe last flags are those of the game and the nets. See those of others with\n"
    "`ganvas train --game NAME --net NAME --help`; `ganvas list games` and `ganvas list nets` name them.",
    "explore": "\n\nEach experiment has options of its own: `ganvas explore RUN WHAT --help` explains them.",
}
PLAIN = (int, float, bool, NoneType)  # types of options that are not text
USAGE = """\
ganvas trains, judges, explains, explores and ships generative adversarial networks.

usage: ganvas VERB …          ganvas VERB --help explains a verb

{verbs}

first steps:
  ganvas train digits --minutes 2             real handwritten digits; nothing is downloaded
  ganvas train faces/ --size 64               your own folder, archive or array of pictures
  ganvas generate runs/digits-r3gan --out sevens.png --label 7
  ganvas report runs/digits-r3gan             how good it is, what is wrong, what to do
  ganvas list games
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code: 0 done, 2 the input is wrong, 130 interrupted, 1 anything else."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE.format(verbs="\n".join(f"  {verb:10} {what}" for verb, what in VERBS.items())), end="")
        return 0
    if arguments[0] in ("-V", "--version"):
        print(f"ganvas {ganvas.__version__}")
        return 0
    if argv is None:
        with contextlib.suppress(AttributeError, ValueError):
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    if arguments[0] not in VERBS:
        return fail(f"no verb '{arguments[0]}'{ganvas.nearest(arguments[0], VERBS)}")
    code = guarded(*arguments)
    if argv is None and "TORCHELASTIC_RUN_ID" in os.environ:  # under torchrun gloo's threads may abort the teardown
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def guarded(verb: str, *arguments: str) -> int:
    """Perform a verb and turn what it raises into a line and an exit code."""
    try:
        perform(verb, list(arguments))
    except ganvas.InputError as error:
        return fail(str(error))
    except KeyboardInterrupt as error:
        return fail(str(error) or "interrupted", 130)
    except (FloatingPointError, ConnectionError, MemoryError) as error:
        return fail(str(error) or type(error).__name__, 1)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def fail(message: str, code: int = 2) -> int:
    """Print one line on standard error; returns ``code``."""
    print(f"ganvas: {' '.join(message.split())}", file=sys.stderr)
    return code


def perform(verb: str, arguments: list[str]) -> None:
    """Parse the arguments of a verb, call it and print what it returns."""
    function: Callable[..., Any] = getattr(ganvas, verb)
    fields = signature_fields(verb, function)
    if verb == "train":
        fields += train_fields(arguments)
    elif verb != "serve":
        fields.append(("json", marked(bool, "print JSON"), field(default=False)))
    experiment = experiment_of(arguments) if verb == "explore" else None
    given = explored(experiment, fields, arguments) if experiment else parse(verb, function, fields, arguments)
    as_json = given.pop("json", False)
    several = [given.pop(name) for name in variadic(function) if name in given]
    result = function(*itertools.chain(*several), **given)
    if verb == "train" and os.environ.get("RANK", "0") != "0":
        return
    if verb == "train":
        print(f"{result.path}: {result.progress.seen:,} samples seen; draw with: ganvas generate {result.path} --out …")
    elif as_json:
        print(json.dumps(result if isinstance(result, dict) else str(result), indent=1))
    elif verb != "serve":
        tell(verb, result)


Field = tuple[str, Any, Any]  # name, type, dataclasses.field


def signature_fields(verb: str, function: Callable[..., Any]) -> list[Field]:
    """The named parameters of a verb, with the help of its docstring."""
    told = dict(re.findall(r"^        (\w+): ((?:.|\n {12})+)", function.__doc__ or "", re.M))
    kinds, found = get_type_hints(function), []
    for name, p in inspect.signature(function).parameters.items():
        if p.kind is p.VAR_KEYWORD or name == "monitors":
            continue
        if p.kind is p.VAR_POSITIONAL:
            several = placed(tuple[str, ...], told.get(name, ""), f"{name} [{name} …]", hint="")
            found.append((name, several, field(default=())))
            continue
        plain = verb == "list" or all(k in PLAIN or get_origin(k) is Literal for k in parts(kinds[name]))
        kind = kinds[name] if plain else str | None
        required = p.default is p.empty
        kind = str if required and kind == str | None else kind
        how = marked(kind, told.get(name, ""), p.default if kind is int or type(p.default) in (float, str) else None)
        if name in POSITIONAL[verb]:
            how = placed(kind, told.get(name, ""), name)
        found.append((name, how, field() if required else field(default=p.default)))
    return found


def experiment_of(arguments: list[str]) -> str | None:
    """The experiment, the second argument; where help is asked for perhaps the first one, or none. InputError for none
    else."""
    known, asks = ganvas.experiments(), not {"-h", "--help"}.isdisjoint(arguments)
    named = [one for one in arguments[1::-1] if not one.startswith("-")]
    if asks:
        return next((one for one in named if one in known), None)
    if len(named) < 2:
        raise ganvas.InputError(f"first comes the run, then what to do: ganvas explore RUN {'|'.join(known)}")
    return named[0]


def explored(what: str, fields: list[Field], arguments: list[str]) -> dict[str, Any]:
    """The given arguments of an experiment, and what it is."""
    function = ganvas.experiment(what)
    fields = [one for one in [*fields, *signature_fields("explore", function)] if one[0] not in ("run", "what")]
    given = parse(
        f"explore RUN {what}", function, fields, [a for a in arguments[:2] if a.startswith("-")] + arguments[2:]
    )
    return {"run": arguments[0], "what": what, **given}


def variadic(function: Callable[..., Any]) -> list[str]:
    """The name of the parameter that takes any number of values, if there is one."""
    return [n for n, p in inspect.signature(function).parameters.items() if p.kind is p.VAR_POSITIONAL]


def parts(kind: Any) -> tuple[Any, ...]:
    """The types of a union; a type that is none, alone."""
    return get_args(kind) if isinstance(kind, UnionType) or get_origin(kind) is Union else (kind,)


def placed(kind: Any, text: str, name: str, hint: str | None = None) -> Any:
    """The type of an argument that is known by its place."""
    import tyro

    arg = tyro.conf.arg(help=" ".join(text.replace("`", "").split()), metavar=name.upper(), help_behavior_hint=hint)
    return Annotated[kind, arg, tyro.conf.Positional]


def marked(kind: Any, text: str, default: Any = None, name: str | None = None) -> Any:
    """A type annotated for tyro: its help, its default in words, its name on the command line."""
    import tyro

    told = " ".join(text.replace("`", "").split())
    plain = [k for k in parts(kind) if k is not NoneType]
    choices = get_args(plain[0]) if get_origin(plain[0]) is Literal else ()
    metavar = "{" + ",".join(map(str, choices)) + "}" if choices else "|".join(k.__name__.upper() for k in plain)
    hint = "" if default is None else f"(default: {default})"
    if kind is bool:
        return Annotated[bool, tyro.conf.arg(help=told, name=name)]
    aliases = ["-n"] if told.startswith("how many") else None
    return Annotated[
        kind, tyro.conf.arg(help=told, help_behavior_hint=hint, metavar=metavar, name=name, aliases=aliases)
    ]


def train_fields(arguments: list[str]) -> list[Field]:
    """The settings of run and data, and those of the game and nets that the arguments name."""
    chosen = {name: value_of(arguments, name) for name in ("recipe", "game", "net", "resume", "trust")}
    found: dict[str, Field] = {}
    asked = set(re.findall(r"--([A-Za-z]+\.[\w-]+)", " ".join(arguments)))
    for flag in ganvas.flags(**chosen):
        for name in (flag.name, f"{flag.owner}.{flag.name}"):
            if name in found or ("." in name and name.replace("_", "-") not in {a.replace("_", "-") for a in asked}):
                continue
            found[name] = train_field(name, flag.type, flag.default, flag.help)
    return list(found.values())


def train_field(name: str, kind: Any, default: Any, text: str) -> Field:
    """A flag that is None unless given; its help names the default."""
    spelt = name.replace("_", "-")
    if kind is bool:
        return name, marked(bool, text, name=spelt), field(default=default)
    return name, marked(kind | None, text, default=default, name=spelt), field(default=None)


def value_of(arguments: list[str], name: str) -> str | None:
    """The value of ``--name VALUE`` or ``--name=VALUE``, if it is given."""
    for here, following in zip(arguments, [*arguments[1:], ""], strict=False):
        if here == f"--{name}":
            return following
        if here.startswith(f"--{name}="):
            return here.partition("=")[2]
    return None


def parse(verb: str, function: Callable[..., Any], fields: list[Field], arguments: list[str]) -> dict[str, Any]:
    """The given arguments, by name. Raises InputError with one line for a wrong one."""
    import tyro

    made = make_dataclass(
        verb.split()[0], [(n.replace(".", "__"), kind, how) for n, kind, how in sorted_fields(fields)]
    )
    about = (inspect.getdoc(function) or "").split("\n\nArgs:")[0].replace("`", "") + MORE.get(verb, "")
    if verb == "explore":
        about += "".join(f"\n\n{name}: {told}" for name, told in ganvas.experiments().items())
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            options: Any = tyro.cli(made, prog=f"ganvas {verb}", description=about, args=arguments)
    except SystemExit as stop:
        if not stop.code:
            raise
        raise ganvas.InputError(one_line(errors.getvalue(), verb)) from None
    defaults = {n: how.default for n, _, how in fields}
    values = {n: getattr(options, n.replace(".", "__")) for n, *_ in fields}
    return {n: v for n, v in values.items() if v is not defaults[n] and v != defaults[n]}


def sorted_fields(fields: list[Field]) -> list[Field]:
    """Required ones first, as a dataclass wants them."""
    from dataclasses import MISSING

    return sorted(fields, key=lambda f: f[2].default is not MISSING)


def one_line(text: str, verb: str) -> str:
    """What the parser's boxed message says, in one line."""
    plain = re.sub(r"\x1b\[[0-9;]*m|[╭╮╰╯│─]+", " ", text)
    words = " ".join(plain.split()).partition(" For full helptext")[0]
    words = words.replace("Unrecognized options Unrecognized", "Unrecognized")
    words = re.sub(r"Expected one of \((.+?)\)", lambda found: f"Expected one of {ordered(found[1])}", words)
    return f"{words} (ganvas {verb} --help)"


def ordered(choices: str) -> str:
    """The parser's choices, sorted and without None."""
    return ", ".join(sorted(c.strip("' ") for c in choices.split(",") if c.strip("' ") not in ("None", "")))


if __name__ == "__main__":
    sys.exit(main())

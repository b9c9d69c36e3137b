"""Train a generator on your data."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from ganvas import names
from ganvas.errors import InputError
from ganvas.evaluation.judge import Judge
from ganvas.game import Game
from ganvas.metrics.features import own_file
from ganvas.monitors.progress import Monitor, progress
from ganvas.monitors.samples import samples
from ganvas.monitors.tensorboard import tensorboard
from ganvas.recipe import Couple, Flag, Recipe, common, couple, lacking
from ganvas.record import PASSING, Given, differences, machine, record, recorded_couple, versions
from ganvas.run import Run
from ganvas.session import Session
from ganvas.space import Data, DataOptions
from ganvas.training import devices, privacy
from ganvas.training.plan import SEEN, Plan
from ganvas.training.settings import Settings

TRIAL_SHARE, TRIAL_SECONDS = 0.02, 5.0  # of a run in minutes, spent on timing its rounds
ENDS = {"seen", "rounds", "minutes"}  # how long a run lasts: the user's word replaces a recipe's


def train(
    data: Any = None,
    *,
    recipe: str | None = None,
    game: str | type[Game] | None = None,
    net: str | None = None,
    run: str | Path | None = None,
    resume: str | Path | None = None,
    monitors: Sequence[Monitor] = (),
    **flags: Any,
) -> Run:
    """Train a generator and return its run.

    Args:
        data: a folder, archive or file of pictures, a table (file, pandas or polars DataFrame, Arrow), ``hf:NAME``, a
            built-in name (digits, ring, grid), or loaded data.
        recipe: a recipe's name; sets game, net and flags that suit each other.
        game: a game's name, ``mine.py:CLASS``, or a Game class.
        net: a net's name or ``mine.py``.
        run: the run folder to make (default: ``runs/<data>-<game>``).
        resume: a run folder to go on with, instead of ``data`` and the rest.
        monitors: your own callables f(t, game, line), told after every round; line is a log line or None.
        **flags: settings of the run (``Settings``), of data (``DataOptions``), of the game and of the nets.

    Raises:
        InputError: something given is wrong; the message says what to do.
        DivergedError: the game broke down; what was saved before stays.
    """
    if resume is not None:
        asked = {"recipe": recipe, "game": game, "net": net}
        return go_on(Run(resume, flags.get("trust")), data, asked, flags, monitors)
    if data is None:
        raise InputError("what to train on? give a folder, a file or a name: ganvas train DATA")
    loaded = load_data(data, flags)
    chosen, given = choose(loaded, recipe, game, net, flags)
    loaded = chosen.informed(loaded, given)
    settings = Settings(**given["run"])
    guard = None if settings.epsilon is None else privacy.guard(chosen.game, loaded, given, settings)
    if guard is not None:
        loaded, given["game"] = guard.data(loaded), given["game"] | {"noise": guard.noise}
    device = devices.choose(settings.device, settings.precision, settings.threads, len(loaded.space.shape) == 3)
    place = Path(run) if run is not None else Path("runs") / f"{loaded.name}-{stem(chosen.game)}"
    if device.agree((place / "run.json").exists()):  # all ranks look before rank 0 makes it
        return existing(place, flags, monitors)
    judging = None if guard else judge(loaded, settings, own_file(settings.extractor))  # a file the user typed may run
    plan = make_plan(loaded, chosen, given, settings, device)
    made = record(place, loaded, chosen, given, plan, device)
    if guard is not None:
        guard.begin(made)
    return perform(made, Session(loaded, chosen, given, settings, device, plan, judging), monitors, guard)


def flags(
    recipe: str | None = None,
    game: str | None = None,
    net: str | None = None,
    resume: str | None = None,
    trust: str | None = None,
) -> list[Flag]:
    """Every flag that ``train`` takes for this game and net: of run and data, of the game, of the nets.

    A recipe chooses by the data, so with one the flags of all games count; without a net those of all nets.
    """
    either(recipe, game, net)
    found = common()
    if resume is not None:
        return found + recorded_couple(Run(resume, trust)).flags()
    default = names.module("recipes", "default").GAMES
    games = [game] if game else [*names.listing("games")] if recipe else default
    for one in games:
        kind = names.member("games", one, Game)
        for other in [net] if net else nets_for(kind):
            found += [flag for flag in couple(kind, names.module("nets", other)).flags() if flag not in found]
    return found


def either(recipe: str | None, game: object, net: object) -> None:
    """Raise InputError when a recipe is given and what it chooses too."""
    if recipe is not None and (game is not None or net is not None):
        raise InputError("give --recipe, or --game and --net, not both")


def load_data(data: Any, flags: Mapping[str, Any]) -> Data:
    """Data from a path or a name, with those of ``flags`` that are data options; loaded data stays as it is."""
    options = {f.name: flags[f.name] for f in fields(DataOptions) if flags.get(f.name) is not None}
    if isinstance(data, Data):
        if options:
            raise InputError(f"the data is loaded already; give {', '.join(options)} where you load it")
        return data
    source = str(data) if isinstance(data, Path) else data
    return names.data(source, **options, seed=flags.get("seed") or Settings.seed)


def choose(
    data: Data, recipe: str | None, game: str | type[Game] | None, net: str | None, flags: Mapping[str, Any]
) -> tuple[Couple, Given]:
    """The game and nets that are asked for, or that suit the data, and every setting by owner."""
    either(recipe, game, net)
    made = names.module("recipes", recipe or ("private" if flags.get("epsilon") else "default"))
    found: Recipe = made.recipe(data) if recipe or game is None else made.named(data)
    game = found.game if game is None else game
    kind = names.member("games", game, Game) if isinstance(game, str) else game
    net = net or fitting(kind, found.net)
    chosen = couple(kind, names.module("nets", net))
    theirs = {flag.name for flag in [*chosen.flags(), *common()]}
    if any(flags.get(end) is not None for end in ENDS):
        theirs -= ENDS
    suited = {name: value for name, value in found.flags.items() if name.rpartition(".")[2] in theirs}
    return chosen, merged(chosen.distribute(suited), chosen.distribute(flags))


def nets_for(kind: type[Game]) -> list[str]:
    """The nets of ganvas that have all roles of a game."""
    modules = {name: names.module("nets", name) for name in names.listing("nets")}
    return [name for name, net in modules.items() if not lacking(kind, net)]


def fitting(kind: type[Game], usual: str) -> str:
    """The usual net if it has what the game needs, else the first that has."""
    able = nets_for(kind)
    return usual if usual in able or not able else able[0]


def merged(under: Given, over: Given) -> Given:
    """Settings by owner: those of ``over``, where it is silent those of ``under``."""
    return {
        owner: under.get(owner, {}) | {k: v for k, v in values.items() if v is not None}
        for owner, values in over.items()
    }


def existing(place: Path, flags: Mapping[str, Any], monitors: Sequence[Monitor]) -> Run:
    """What to do about a run that is there already: on a terminal ask, else an InputError that names --resume."""
    how = f"{place} already holds a run; go on with: ganvas train --resume {place}, or choose another --run"
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise InputError(how)
    print(f"{place} already holds a run ({Run(place).progress.seen:,} samples seen). Resume it? [y/N] ", end="")
    if input().strip().lower() not in ("y", "yes"):
        raise InputError(how)
    return go_on(Run(place, flags.get("trust")), None, {}, {}, monitors)


def make_plan(data: Data, chosen: Couple, given: Given, settings: Settings, device: devices.Device) -> Plan:
    """Play some rounds with a session that is thrown away, and plan the run by what they show."""
    seconds = 0.0 if settings.minutes is None else min(TRIAL_SHARE * 60 * settings.minutes, TRIAL_SECONDS)
    trial = Session(data, chosen, given, settings, device, Plan(0, 0.0, 1, 1))
    return Plan.of(settings, *trial.trial(seconds), seconds)


def judge(data: Data, settings: Settings, trust: str | Path | None) -> Judge:
    """What chooses the best checkpoint. Raises InputError when it is to stop the run but nothing is held out."""
    if settings.stop_on is not None and not len(data.held_out):
        raise InputError(f"--stop-on {settings.stop_on} needs held-out samples; leave --holdout out, or make it 0.1")
    return Judge(data, settings.stop_on or settings.metric, settings.extractor, trust)


def stem(game: type[Game]) -> str:
    """The file name of a game's module."""
    return Path(sys.modules[game.__module__].__file__ or "game").stem


def go_on(
    run: Run,
    data: Data | str | Path | None,
    asked: Mapping[str, Any],
    flags: Mapping[str, Any],
    monitors: Sequence[Monitor],
) -> Run:
    """Resume: the recorded settings again, the same session, from the newest checkpoint on."""
    info = run.info
    chosen = recorded_couple(run)
    new = chosen.distribute({k: v for k, v in flags.items() if v is not None})
    passing = {k: new["run"].pop(k) for k in PASSING if k in new["run"]}
    given = changed(run, asked, new, accept=bool(passing.get("override")))
    settings = Settings(**given["run"] | passing)
    precision = new["run"].get("precision", info["machine"]["precision"])
    device = devices.choose(settings.device, precision, settings.threads or info["machine"]["threads"])
    loaded = (
        data
        if isinstance(data, Data)
        else names.again(info["data"]["origin"] | ({"source": str(data)} if data else {}), info["data"]["fingerprint"])
    )
    if loaded.fingerprint != info["data"]["fingerprint"]:
        raise InputError(f"the data of {run.path} is not what the run began with; give that data, or start a new run")
    for line in differences(info["machine"] | info["versions"], machine(device) | versions()):
        print(f"note: {line}: the run goes on, though not bit for bit", file=sys.stderr)
    loaded, guard = chosen.informed(loaded, given), privacy.recorded(run)
    loaded = guard.data(loaded) if guard else loaded
    judging = None if guard else judge(loaded, settings, settings.trust)
    session = Session(loaded, chosen, given, settings, device, Plan(**info["plan"]), judging)
    session.resume(run)
    if session.ended and device.first and not settings.quiet:
        print(f"{run.path} has ended already ({session.game.seen:,} samples seen)", file=sys.stderr)
    return perform(run, session, monitors, guard)


def changed(run: Run, asked: Mapping[str, Any], new: Given, accept: bool) -> Given:
    """The recorded settings with the ``new`` ones. Raises InputError, showing them, unless they are accepted."""
    recorded: Given = run.info["settings"]
    told = [f"{k}: cannot change when resuming" for k, v in asked.items() if v is not None]
    told += [
        f"{name}: {recorded[owner].get(name)} -> {value}"
        for owner, values in new.items()
        for name, value in values.items()
        if recorded[owner].get(name) != value
    ]
    if told and (not accept or "privacy" in run.info or any(v is not None for v in asked.values())):
        raise InputError(
            f"{run.path} was begun with other settings ({'; '.join(told)}); leave them out, or add --override"
        )
    given = merged(recorded, new)
    if new["run"].keys() & ENDS:
        given["run"] = {k: v for k, v in given["run"].items() if k not in ENDS or k in new["run"]}
    if told:
        run.update(settings=given, changes=[*run.info.get("changes", []), {"t": run.progress.t, "what": told}])
    return given


def perform(run: Run, session: Session, own: Sequence[Monitor], guard: privacy.Guard | None = None) -> Run:
    """Play a session to its end, with monitors and progress; under a guard with batches as its account assumes."""
    settings, first = session.settings, session.device.first
    with ExitStack() as stack:
        monitors = list(own)
        if guard is not None:
            session.batches = guard.batches(session.batches)
            monitors.append(guard.monitor(run))
        if first:
            every, place = session.plan.checkpoint_every, run.path / "samples"
            monitors.append(samples(session.generator, session.space, place, every))
            if settings.tensorboard:
                monitors.append(tensorboard(run.path / "tensorboard"))
            if not settings.quiet:
                print(told(run, session), file=sys.stderr)
                monitors.append(stack.enter_context(progress(*span(session))))
        session.play(run, monitors)
    if first:
        run.update(ended=True)
    session.device.share(0.0)  # the ranks leave together, when rank 0 has written all
    return Run(run.path, run.trust)


def span(session: Session) -> tuple[float, Callable[[], float]]:
    """The length of a session and how much of it is done, in the unit the user chose."""
    settings = session.settings
    if settings.minutes is not None:
        return 60 * settings.minutes, lambda: session.seconds
    if settings.rounds is not None:
        return float(settings.rounds), lambda: float(session.game.t)
    return float(settings.seen or SEEN), lambda: float(session.game.seen)


def told(run: Run, session: Session) -> str:
    """One line on what begins."""
    data, sizes = session.data, {n: sum(p.numel() for p in m.parameters()) for n, m in session.game.players().items()}
    players = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    where = f"{session.device.name}, {session.device.precision}, {torch.get_num_threads()} threads"
    summary = data.report.get("summary", "")
    return (
        f"{data.name}: {summary}\n{type(session.game).__name__} on {len(data.train):,} samples"
        f" ({len(data.held_out):,} held out); parameters: {players}; {where} -> {run.path}"
    )

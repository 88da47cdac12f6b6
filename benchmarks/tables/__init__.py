"""Tables of the documentation, made of ``benchmarks/results/*.json``; nothing in them is typed by hand.

``python -m benchmarks.tables`` lists them, ``python -m benchmarks.tables w2s camera`` prints some as Markdown.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.tables import (
    adapting,
    blindness,
    card,
    correlated_noise,
    damage,
    equal_time,
    hard_cases,
    manas_space,
    microscopy,
    networks,
    overview,
    raw,
    restoration,
    speed,
    stacks,
    starting,
    streaks,
    students,
    terms,
    white_noise,
)
from benchmarks.tables.markdown import Table
from benchmarks.tables.stored import RESULTS

_MAKERS = (
    overview.overview,
    networks.blind_networks,
    networks.restoration_networks,
    networks.student_networks,
    microscopy.w2s,
    microscopy.w2s_noise_scope,
    microscopy.w2s_training_fields,
    microscopy.w2s_length,
    microscopy.counts,
    white_noise.white_noise,
    white_noise.poisson_gaussian,
    white_noise.bundled,
    white_noise.box,
    white_noise.second_networks,
    adapting.adapting,
    hard_cases.hard_cases,
    correlated_noise.camera_boxed,
    correlated_noise.camera_defaults,
    correlated_noise.polish_choice,
    correlated_noise.tones,
    correlated_noise.camera,
    correlated_noise.strides,
    correlated_noise.camera_schemes,
    correlated_noise.measured_noise,
    correlated_noise.measured_covariance,
    raw.raw_mosaics,
    blindness.certified,
    blindness.leaks,
    blindness.learned,
    blindness.leak_in_training,
    blindness.tiles,
    students.students,
    students.student_speed,
    students.distillation_step,
    students.export,
    students.ablation,
    restoration.rain,
    terms.equal_steps,
    terms.equal_time,
    terms.terms_cost,
    terms.restoration_tiles,
    terms.rain_box,
    streaks.real_rain,
    streaks.rain_video,
    restoration.restoration_speed,
    restoration.search,
    restoration.many_to_one,
    manas_space.search_gradients,
    speed.tbsn_cpu,
    speed.tbsn_cpu_float32,
    speed.tbsn_cpu_memory,
    speed.tbsn_profile,
    speed.whole_call,
    speed.box_times,
    speed.tbsn_cuda,
    speed.operators_cuda,
    speed.recorded_cuda,
    speed.roofline,
    speed.large_images,
    speed.large_volumes,
    stacks.stacks_cost,
    stacks.stacks_clips,
    stacks.stacks_recorded,
    stacks.stacks_held_back,
    stacks.stacks_judged,
)

TABLES: dict[str, Callable[[], Table]] = {maker.__name__: maker for maker in _MAKERS}

AWAITED: dict[str, str] = {}
"""Tables whose benchmark has not been run yet, and the command that brings their results."""

for _maker, (_pattern, _command) in (
    card.MAKERS | damage.MAKERS | equal_time.MAKERS | manas_space.MAKERS | starting.MAKERS | streaks.MAKERS
).items():
    if any(RESULTS.glob(f"{_pattern}.json")):
        TABLES[_maker.__name__] = _maker
    else:
        AWAITED[_maker.__name__] = _command

"""Noise of stacks: what neighbouring frames share, and whether a network may look at them.

=============  ==========================================================================================
``blocks``     a filter that leaves the noise, and the blocks in which hardly anything else is left
``between``    correlation of the noise from frame to frame
``within``     strength and correlation of the noise inside frames, from their differences
``faults``     fixed patterns, repeated frames, lines, unequal frames
``readings``   all of it for one stack
``advice``     how many neighbours, seen whole or with a hole, and why
``judgement``  the same for a source of images
=============  ==========================================================================================
"""

from bsn.noise.stacks.advice import ContextAdvice, advise_context
from bsn.noise.stacks.judgement import MeasuredStack, judge_stacks, stacks_of
from bsn.noise.stacks.readings import StackReadings, measure_stack

__all__ = [
    "ContextAdvice",
    "MeasuredStack",
    "StackReadings",
    "advise_context",
    "judge_stacks",
    "measure_stack",
    "stacks_of",
]

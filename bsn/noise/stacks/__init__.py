"""Noise of stacks: what neighbouring frames share, and whether a network may look at them.

=============  ==========================================================================================
``blocks``     a filter that leaves the noise, and the blocks in which hardly anything else is left
``between``    correlation of the noise from frame to frame
``within``     strength and correlation of the noise inside frames, from their differences
``faults``     fixed patterns, repeated frames, lines, unequal frames
``motion``     shifts of the picture, and how much of it changes
``sums``       what has to be known of a stack to find a pattern that all frames share
``lines``      offsets of whole rows and columns
``smooth``     smooth surfaces that patterns stand out from
``pattern``    the pattern, told from picture that stands still
``removal``    the pattern of a stack that is read frame by frame
``readings``   all of it for one stack
``advice``     how many neighbours, seen whole or with a hole, and why
``judgement``  the same for a source of images
=============  ==========================================================================================
"""

from bsn.noise.stacks.advice import ContextAdvice, advise_context
from bsn.noise.stacks.judgement import MeasuredStack, judge_stacks, stacks_of
from bsn.noise.stacks.pattern import FoundPattern, find_pattern
from bsn.noise.stacks.readings import StackReadings, measure_stack
from bsn.noise.stacks.removal import pattern_of_stack
from bsn.noise.stacks.sums import StackSums

__all__ = [
    "ContextAdvice",
    "FoundPattern",
    "MeasuredStack",
    "StackReadings",
    "StackSums",
    "advise_context",
    "find_pattern",
    "judge_stacks",
    "measure_stack",
    "pattern_of_stack",
    "stacks_of",
]

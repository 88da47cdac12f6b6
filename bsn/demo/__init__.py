"""A demonstration from the installed package alone."""

from bsn.demo.run import DemoResult, run_demo

__all__ = ["DemoResult", "run_demo"]

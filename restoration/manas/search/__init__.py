"""The search: three strategies (weights of a supernet, successive halving, evolution), costs, and chance to compare with."""

from restoration.manas.search.building import build_one_shot, build_search
from restoration.manas.search.chance import draw_genotypes, random_genotypes, uniform_cost
from restoration.manas.search.comparison import Compared, train_alike
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.cost import CostTable, cost_table, genotype_cost
from restoration.manas.search.evolution import EvolutionConfig, Scored, evolve
from restoration.manas.search.halving import HalvingConfig, Rung, Trial, halve, rungs_of, total_steps
from restoration.manas.search.mutation import Mutation
from restoration.manas.search.one_shot import OneShotTask, PathScore, random_path
from restoration.manas.search.proxies import gradient_norm, synflow
from restoration.manas.search.recipes import SEARCH_RECIPES, SearchRecipe, get_search_recipe
from restoration.manas.search.run import search
from restoration.manas.search.supernet import Architecture, Supernet
from restoration.manas.search.task import SearchTask

__all__ = [
    "SEARCH_RECIPES",
    "Architecture",
    "Compared",
    "CostTable",
    "EvolutionConfig",
    "HalvingConfig",
    "Mutation",
    "OneShotTask",
    "PathScore",
    "Rung",
    "Scored",
    "SearchConfig",
    "SearchRecipe",
    "SearchTask",
    "Supernet",
    "Trial",
    "build_one_shot",
    "build_search",
    "cost_table",
    "draw_genotypes",
    "evolve",
    "genotype_cost",
    "get_search_recipe",
    "gradient_norm",
    "halve",
    "random_genotypes",
    "random_path",
    "rungs_of",
    "search",
    "synflow",
    "total_steps",
    "train_alike",
    "uniform_cost",
]

"""The search: supernet, losses, costs, bi-level optimisation, and chance to compare with."""

from restoration.manas.search.chance import random_genotypes
from restoration.manas.search.comparison import Compared, train_alike
from restoration.manas.search.config import SearchConfig
from restoration.manas.search.cost import CostTable, cost_table, genotype_cost
from restoration.manas.search.recipes import SEARCH_RECIPES, SearchRecipe, get_search_recipe
from restoration.manas.search.run import build_search, search
from restoration.manas.search.supernet import Architecture, Supernet
from restoration.manas.search.task import SearchTask

__all__ = [
    "SEARCH_RECIPES",
    "Architecture",
    "Compared",
    "CostTable",
    "SearchConfig",
    "SearchRecipe",
    "SearchTask",
    "Supernet",
    "build_search",
    "cost_table",
    "genotype_cost",
    "get_search_recipe",
    "random_genotypes",
    "search",
    "train_alike",
]

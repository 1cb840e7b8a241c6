"""Each order that a running server takes has its module, and no module is without an order."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

import winlogd.daemon.ordered as ordered
from winlogd.daemon.orders import ORDERS


@pytest.mark.parametrize("module", ORDERS.values())
def test_the_module_of_each_order_can_carry_it_out(module: str) -> None:
    assert callable(import_module(f"winlogd.daemon.ordered.{module}").carry_out)


def test_each_module_has_an_order() -> None:
    assert {module.name for module in iter_modules(ordered.__path__)} == set(ORDERS.values())

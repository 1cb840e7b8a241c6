"""The table of routes, of which one part is made at the start and the other with the first request for it."""

from typing import Any

from winlogd.api import routes
from winlogd.api.late_routes import Late, Questions, endpoints


class OpenDoors:
    """Let everybody pass, and keep the endpoint."""

    def reading(self, path: str, endpoint: object) -> Any:  # noqa: ANN401  # any endpoint
        return endpoint

    page = reading
    show_login = log_in = log_out = None

    def file(self, endpoint: object) -> Any:  # noqa: ANN401
        return endpoint


def test_each_route_of_the_table_has_an_endpoint_and_each_endpoint_a_route() -> None:
    nothing: Any = dict
    doors: Any = OpenDoors()
    paths = (routes.EVENTS, "/index.php")
    made = endpoints(paths, nothing, Questions(nothing), Questions(nothing), Late(nothing), doors, nothing)
    assert set(made) == set(routes.made_late(paths))
    assert len(routes.made_late(("/index.php",))) == len(set(routes.made_late(("/index.php",))))

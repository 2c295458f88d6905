"""Invariants 1 and 2: no authorisation, no template; and of a bystander, never a trace."""

import signal
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from homeward.shared.objectkeys import SUBJECTS_BUCKET, photo_key, subject_prefix
from support.leavings import everything, on_disk
from support.scenes import reference_photo
from support.templates import templates_of_everybody
from support.traces import Needles, search, template_needles
from support.world import World

WIPED_WITHIN = timedelta(seconds=30)


class Templates:
    """The templates of one search, computed as matching would, and how the search stood before, during and after."""

    def __init__(self, world: World) -> None:
        self.world = world
        operator, officials = world.pipeline.operator, world.pipeline.officials
        self.before = operator.templates_at_rest()
        photo = reference_photo(world.people[0]).read_bytes()
        cameras = sorted(world.scene.videos)
        issued = officials.authorise([photo], camera_ids=cameras, starts_at=world.starts_at, ends_at=world.ends_at)
        self.progress = operator.wait_searched(issued.authorisation_id, timedelta(seconds=120))
        self.during = operator.templates_at_rest()
        self.prefix = subject_prefix(issued.authorisation_id)
        self.photos_during = len(list(operator.store.list(SUBJECTS_BUCKET, self.prefix)))
        token = world.pipeline.token(issued.authorisation_id)
        self.templates = templates_of_everybody(world.pipeline, token, photo_key(issued.authorisation_id, 0))
        subject = {"subject": self.templates["subject"]}
        self.found_during = search(everything(world.pipeline), self.bystanders())
        self.subject_during = search(on_disk(world.pipeline), template_needles(subject))
        officials.stop(issued.authorisation_id)
        operator.wait_templates(0, WIPED_WITHIN)

    def bystanders(self) -> list[Needles]:
        """Return what betrays anybody's crop."""
        return template_needles({name: values for name, values in self.templates.items() if name != "subject"})


@pytest.fixture(scope="module")
def templates(world: World) -> Templates:
    return Templates(world)


def test_faces_are_found_and_no_template_exists_while_nobody_is_looked_for(templates: Templates) -> None:
    assert templates.world.searched.faces >= 10
    assert templates.before == 0


def test_one_search_has_one_template(templates: Templates) -> None:
    assert templates.progress.faces_compared >= 10
    assert templates.during == 1


def test_the_templates_looked_for_are_those_of_the_service(templates: Templates) -> None:
    lengths = [float(np.linalg.norm(values)) for values in templates.templates.values()]
    assert len(lengths) > 20
    assert np.allclose(lengths, 1, atol=1e-3)


def test_the_subjects_template_lies_in_the_store_of_templates_alone(templates: Templates) -> None:
    # That it is found there shows that the search for the others' finds what there is.
    assert templates.subject_during
    assert all("templates/" in place for place in templates.subject_during)


def test_no_bystander_leaves_a_trace_while_a_search_runs(templates: Templates) -> None:
    assert templates.found_during == []


def test_nobody_leaves_a_trace_once_it_is_closed(templates: Templates) -> None:
    everybody: dict[str, NDArray[np.float32]] = templates.templates
    assert search(everything(templates.world.pipeline), template_needles(everybody)) == []
    assert templates.world.pipeline.operator.templates_at_rest() == 0


def test_the_reference_photos_go_with_the_search(templates: Templates) -> None:
    operator = templates.world.pipeline.operator
    assert templates.photos_during == 1
    for _ in range(100):
        if not list(operator.store.list(SUBJECTS_BUCKET, templates.prefix)):
            return
        templates.world.pipeline.stack.clock.sleep(0.3)
    pytest.fail("photos are still in the bucket half a minute after their authorisation was closed")


@pytest.mark.parametrize("service", ["embedding", "matching"])
def test_a_crash_of_what_holds_templates_leaves_no_core_and_no_trace(templates: Templates, service: str) -> None:
    pipeline = templates.world.pipeline
    child = pipeline.stack.services[service]
    crashed = child.pid
    child.send_signal(signal.SIGSEGV)
    for _ in range(300):
        if child.pid != crashed and child.is_alive() and pipeline.stack.ready(service):
            break
        pipeline.stack.clock.sleep(0.2)
    else:
        pytest.fail(f"{service} is not back a minute after its crash")
    # A core lies where the program ran, which is the data folder, or in its temporary folder below that.
    assert [path for path in pipeline.stack.folder.root.rglob("core*") if path.is_file()] == []
    assert search(on_disk(pipeline), template_needles(templates.templates)) == []

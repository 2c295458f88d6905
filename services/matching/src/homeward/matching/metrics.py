"""Every metric of matching, named and described once. No label names a person, a camera or an authorisation."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from homeward.matching.subject import Count


class MatchingMetrics:
    """Counts for Prometheus."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._refused = Counter(
            "homeward_searches_refused", "Searches that could not start.", ["reason"], registry=registry
        )
        self._compared = Counter(
            "homeward_faces_compared", "Faces compared with the subject of a search.", ["mode"], registry=registry
        )
        self._passed_over = Counter(
            "homeward_faces_passed_over", "Faces within a search that were not compared.", ["cause"], registry=registry
        )
        self._found = Counter("homeward_sightings", "Sightings announced.", ["mode"], registry=registry)
        self._stopped = Counter(
            "homeward_comparisons_stopped",
            "Tasks and clips given up because the authorisation had ended or was denied.",
            ["cause"],
            registry=registry,
        )
        self._templates = Gauge("homeward_templates_at_rest", "Templates in the store.", registry=registry)
        self._subjects = Gauge("homeward_subjects_enrolled", "Authorisations with a template.", registry=registry)
        self._wiped = Counter("homeward_subjects_wiped", "Subjects wiped.", ["cause"], registry=registry)

    def refused(self, reason: str) -> None:
        """Count a search that could not start."""
        self._refused.labels(reason).inc()

    def compared(self, mode: str, faces: int) -> None:
        """Count faces compared."""
        self._compared.labels(mode).inc(faces)

    def passed_over(self, cause: str, faces: int) -> None:
        """Count faces that were not compared."""
        self._passed_over.labels(cause).inc(faces)

    def found(self, mode: str, sightings: int) -> None:
        """Count sightings."""
        self._found.labels(mode).inc(sightings)

    def stopped(self, cause: str) -> None:
        """Count work given up."""
        self._stopped.labels(cause).inc()

    def at_rest(self, count: Count) -> None:
        """Set how many templates are at rest."""
        self._templates.set(count.templates)
        self._subjects.set(count.subjects)

    def wiped(self, cause: str) -> None:
        """Count a subject wiped."""
        self._wiped.labels(cause).inc()

"""The topics' configuration by way of Kafka's admin protocol."""

from collections.abc import Sequence
from typing import Final

from confluent_kafka import KafkaException

# The library documents these names here and does not export them.
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from homeward.shared.runtime.client import client_config
from homeward.shared.settings import KafkaSettings
from homeward.shared.topics import Topic

_REQUEST_S: Final = 15.0


class KafkaTopicConfigs:
    """The port `TopicConfigs` on a broker."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._admin = AdminClient(client_config(kafka, "homeward-retention-topics"))

    def apply(self, topics: Sequence[Topic]) -> Sequence[str]:
        """Set each topic's configuration and read it back; return the names of those that do not show it then.

        Reading back, because a broker may acknowledge what it does not keep.
        """
        wanted = {topic.name: dict(topic.config) for topic in topics}
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                name,
                incremental_configs=[
                    ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                    for key, value in config.items()
                ],
            )
            for name, config in wanted.items()
        ]
        self._alter(resources)
        return [name for name, config in wanted.items() if not self._shows(name, config)]

    def _alter(self, resources: list[ConfigResource]) -> None:
        try:
            for future in self._admin.incremental_alter_configs(resources, request_timeout=_REQUEST_S).values():
                if future.exception() is not None:
                    continue  # reading back tells which
        except KafkaException:
            return

    def _shows(self, name: str, config: dict[str, str]) -> bool:
        resource = ConfigResource(ResourceType.TOPIC, name)
        try:
            [future] = self._admin.describe_configs([resource], request_timeout=_REQUEST_S).values()
            shown = future.result()
        except KafkaException:
            return False
        return all(key in shown and shown[key].value == value for key, value in config.items())

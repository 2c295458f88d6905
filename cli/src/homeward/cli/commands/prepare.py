"""homeward prepare: what a deployment needs before its services start."""

from pathlib import Path
from typing import Annotated

import typer

from homeward.cli.console import console, fail
from homeward.cli.prepare import prepare as prepare_stores
from homeward.cli.settings import DeploymentSettings
from homeward.shared.models.errors import ModelError
from homeward.shared.models.library import ModelLibrary
from homeward.shared.objectstore.minio_store import MinioStore
from homeward.shared.objectstore.port import ObjectStoreError
from homeward.shared.runtime.topics_admin import TopicCreationError
from homeward.shared.settings import PREFIX


def prepare(
    models: Annotated[Path | None, typer.Option(help="Fetch the models into this folder as well.")] = None,
) -> None:
    """Make the topics and buckets of a deployment, and fetch its models. Doing it again changes nothing.

    Kafka and the object store are those of the HOMEWARD_KAFKA__... and HOMEWARD_OBJECT_STORE__... variables.
    """
    try:
        settings = DeploymentSettings.load()
    except ValueError as error:
        fail(f"the {PREFIX}... variables are not right: {error}")
    try:
        prepare_stores(settings.kafka, MinioStore(settings.object_store))
    except (TopicCreationError, ObjectStoreError) as error:
        fail(str(error))
    console.print("topics and buckets are there")
    if models is not None:
        try:
            ModelLibrary(models).fetch()
        except ModelError as error:
            fail(str(error))
        console.print("models are there and verified")

"""What the command needs to know of a deployment that it prepares."""

from homeward.shared.settings import ObjectStoreSettings, ServiceSettings


class DeploymentSettings(ServiceSettings):
    """The settings of `homeward prepare`."""

    object_store: ObjectStoreSettings

"""Which columns of the catalogue go out and come in as CSV. Rows go by keys, never by numbers of this database."""

from import_export.fields import Field
from import_export.widgets import ForeignKeyWidget, ManyToManyWidget

from patients.exchange import CadenceResource
from patients.models import BodyArea, Condition
from treatments.models import AreaLimit, Contraindication, Ingredient, IngredientClass, Service, Source, Technique

SOURCED = ("confidence", "sources")


def by_key(name: str, model: type) -> Field:
    return Field(attribute=name, column_name=name, widget=ForeignKeyWidget(model, "key"))


def sources() -> Field:
    return Field(
        attribute="sources", column_name="sources", widget=ManyToManyWidget(Source, separator=" ", field="key")
    )


class IngredientResource(CadenceResource):
    needed = ("key", *SOURCED)
    ingredient_class = by_key("ingredient_class", IngredientClass)
    sources = sources()

    class Meta(CadenceResource.Meta):
        model = Ingredient
        exclude = ("id",)


class AreaLimitResource(CadenceResource):
    needed = ("area", "technique", *SOURCED)
    area = by_key("area", BodyArea)
    technique = by_key("technique", Technique)
    sources = sources()

    class Meta(CadenceResource.Meta):
        model = AreaLimit
        exclude = ("id",)
        import_id_fields = ("area", "technique")


class ReasonResource(CadenceResource):
    """Reasons not to treat."""

    needed = ("condition", "modality", "ingredient", *SOURCED)
    condition = by_key("condition", Condition)
    ingredient = by_key("ingredient", Ingredient)
    sources = sources()

    class Meta(CadenceResource.Meta):
        model = Contraindication
        exclude = ("id",)
        import_id_fields = ("condition", "modality", "ingredient")


class ServiceResource(CadenceResource):
    """Services without their parts, which are edited on the page of each."""

    needed = ("key", *SOURCED)
    technique = by_key("technique", Technique)
    sources = sources()

    class Meta(CadenceResource.Meta):
        model = Service
        exclude = ("id", "public_id")

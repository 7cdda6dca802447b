"""Forms of the administration as a browser would send them."""

from django.urls import reverse


def address(model, act, *arguments):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{act}", args=arguments)


def filled(answer):
    """The values with which a browser would send the form of this page back, rows of parts included."""
    values = {"_seen": answer.context.get("seen", "")}
    forms = [answer.context["adminform"].form]
    for part in answer.context["inline_admin_formsets"]:
        forms += [part.formset.management_form, *part.formset.forms]
    for form in forms:
        for field in form:
            value = field.value()
            if value is None or value is False:
                continue
            values[field.html_name] = "on" if value is True else field.field.prepare_value(_sent(field, value))
    return values


def _sent(field, value):
    widget = field.field.widget
    shown = widget.format_value(value) if not isinstance(value, (list, tuple)) else [str(one) for one in value]
    if isinstance(shown, list) and not getattr(widget, "allow_multiple_selected", False):
        return shown[0] if shown else ""
    return shown if shown is not None else ""

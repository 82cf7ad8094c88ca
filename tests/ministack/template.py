"""Reads infra/template.yaml as CloudFormation does: parameters, conditions and functions, for a stack that `stack.py` makes."""

import re

import yaml

# What `!If` leaves out.
NO_VALUE = object()


class Loader(yaml.SafeLoader):
    """A YAML loader that knows CloudFormation's short forms: `!Ref X` is `{"Ref": "X"}`, `!Sub X` is `{"Fn::Sub": "X"}`."""


def short_form(loader, name, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        # `!GetAtt A.B` is a list in the long form.
        value = value.split(".", 1) if name == "GetAtt" else value
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


Loader.add_multi_constructor("!", short_form)


class Template:
    """The template with values for its parameters. `resource(name)` gives what a resource is called by: a dictionary of its
    attributes, and of its `Ref`."""

    def __init__(self, path, parameters, pseudo, resource):
        self.text = yaml.load(path.read_text(), Loader)
        defaults = {name: given["Default"] for name, given in self.text["Parameters"].items()}
        unknown = parameters.keys() - defaults.keys()
        assert not unknown, f"the template has no parameters {unknown}"
        lists = {name for name, given in self.text["Parameters"].items() if "List" in given["Type"]}
        values = {name: value.split(",") if name in lists else value for name, value in (defaults | parameters).items()}
        self.known = values | {"AWS::NoValue": NO_VALUE} | pseudo
        self.resource = resource

    def resources(self, kind):
        """The names of the resources of a type that are made with these parameters."""
        made = lambda given: "Condition" not in given or self.condition(given["Condition"])
        return [name for name, given in self.text["Resources"].items() if given["Type"] == kind and made(given)]

    def given(self, name):
        return self.text["Resources"][name]

    def properties(self, name, *keys):
        """Properties of a resource, resolved: those that are named, or all."""
        given = self.given(name).get("Properties", {})
        return self.resolve({key: given[key] for key in keys or given if key in given})

    def condition(self, name):
        return self.resolve(self.text["Conditions"][name])

    def ref(self, name):
        return self.known[name] if name in self.known else self.resource(name)["Ref"]

    def attribute(self, name, attribute):
        return self.resource(name)[attribute]

    def resolve(self, value):
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument), = value.items()
            if function == "Condition" and isinstance(argument, str):
                return self.condition(argument)
            if function == "Ref":
                return self.ref(argument)
            if function.startswith("Fn::"):
                return getattr(self, function[4:].lower() + "_")(argument)
        resolved = {key: self.resolve(one) for key, one in value.items()}
        return {key: one for key, one in resolved.items() if one is not NO_VALUE}

    def getatt_(self, argument):
        return self.attribute(*argument)

    def if_(self, argument):
        name, then, otherwise = argument
        return self.resolve(then if self.condition(name) else otherwise)

    def equals_(self, argument):
        left, right = self.resolve(argument)
        return str(left) == str(right)

    def not_(self, argument):
        return not self.resolve(argument)[0]

    def or_(self, argument):
        return any(self.resolve(argument))

    def and_(self, argument):
        return all(self.resolve(argument))

    def join_(self, argument):
        separator, parts = self.resolve(argument)
        return separator.join(map(str, parts))

    def split_(self, argument):
        separator, text = self.resolve(argument)
        return text.split(separator)

    def select_(self, argument):
        index, parts = self.resolve(argument)
        return parts[int(index)]

    def sub_(self, argument):
        text, own = argument if isinstance(argument, list) else (argument, {})
        own = self.resolve(own)

        def value(match):
            name = match[1]
            if name in own:
                return str(own[name])
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.ref(name))

        return re.sub(r"\$\{([^}!]+)\}", value, text)

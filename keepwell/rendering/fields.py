"""Fields that a template reads and no contract has, also where no sample gets to that place."""

from __future__ import annotations

from types import NoneType
from typing import get_args

from jinja2 import nodes
from pydantic import BaseModel

from keepwell.contracts.rendering import Context
from keepwell.errors import ConfigurationError
from keepwell.rendering.audience import fields_for
from keepwell.rendering.bundle import Bundle
from keepwell.rendering.sandbox import BundleLoader, Sandbox


def refuse_unknown_fields(bundle: Bundle, *, to_customers: bool) -> None:
    """Follow `fact.field.field` from each fact. Raises ConfigurationError naming file, line and field."""
    sandbox = Sandbox(BundleLoader(bundle.files), "mjml", slack=False)
    trees = {file: sandbox.parse(source) for file, source in bundle.files.items()}
    # What a file gives a value of its own is no fact any more, in any file of the bundle.
    own = frozenset[str]().union(*map(set_by, trees.values()))
    for file, tree in trees.items():
        for read in tree.find_all(nodes.Getattr):
            model = _model(read.node, own)
            known = fields_for(model, to_customers=to_customers) if model else {read.attr}
            if read.attr not in known:
                raise ConfigurationError(
                    f"Template file {file}, line {read.lineno}, uses the field {read.attr!r}, "
                    f"which there is none of{' for customers' if to_customers else ''}.",
                    hint=f"There are: {', '.join(sorted(known))}.",
                )


def set_by(tree: nodes.Template) -> set[str]:
    """The names a file gives a value: by set, for, a macro's parameters or an import."""
    names = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    names |= {found.target for found in tree.find_all(nodes.Import)}
    for found in tree.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in found.names}
    return names


def _model(node: nodes.Node, own: frozenset[str]) -> type[BaseModel] | None:
    """The contract that an expression gives; None where it gives something else, or nobody can say."""
    if isinstance(node, nodes.Name):
        return None if node.name in own else _of(Context, node.name)
    if isinstance(node, nodes.Getattr):
        holder = _model(node.node, own)
        return _of(holder, node.attr) if holder else None
    return None


def _of(holder: type[BaseModel], name: str) -> type[BaseModel] | None:
    field = holder.model_fields.get(name)
    if field is None:
        return None
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    only = kinds[0] if len(kinds) == 1 else None
    return only if isinstance(only, type) and issubclass(only, BaseModel) else None

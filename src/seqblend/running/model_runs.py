"""The runs of one model of a project with other settings, and which settings may vary."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from seqblend.models.registry import entry_for
from seqblend.running.project import Project
from seqblend.running.runs import Run
from seqblend.running.search_space import SECTIONS, Space, Values, make_space
from seqblend.running.tuned import is_given


@dataclass(frozen=True)
class ModelRuns:
    """From values to runs, for one model of a project. resolved: its precision where it is auto."""

    project: Project
    model: str
    resolved: dict[str, str]

    def run(self, values: Values) -> Run:
        """The run with these values; the same that train.py makes with them."""
        project = self.project
        config = dataclasses.replace(
            project.config, models=(self.model,), tuned={self.model: values}
        )
        return project.runs_of(config, self.resolved)[0]

    def space(self, vary: str) -> Space:
        """The search space, without what the user has set and the width of given vectors."""
        config, entry = self.project.config, entry_for(self.model)
        every = make_space(config, self.model, ",".join(SECTIONS))
        fixed = {k.name for k in every.knobs if is_given(config, self.model, k.name)}
        if self.project.embedding.use and entry.takes_vectors:
            fixed.add("options.width")
        return make_space(config, self.model, vary, fixed)

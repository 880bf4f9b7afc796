"""report.md: the same sections for GitHub, with the pictures as files."""

from __future__ import annotations

from typing import Any

from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.style import clean
from seqblend.reporting.elements.tables import escape_markdown, to_markdown


def render_markdown(title: str, head: dict[str, Any] | None, parts: list[Section]) -> str:
    """The file's text; head: the verdict in words, None where nothing is scored."""
    lines = [f"# {escape_markdown(title)}", ""]
    if head:
        lines += [f"**{escape_markdown(head['action'])}**", ""]
        lines += [f"**{head['score']}** {escape_markdown(head['label'])} ({head['interval']})", ""]
        lines += [f"- {escape_markdown(gain)}" for gain in head["gains"]]
        lines += [f"- {escape_markdown(label)}: {value}" for value, label in head["tiles"]]
    if head and head["steps"]:
        lines += ["", "What to do next:", ""]
        lines += [f"{n}. {escape_markdown(step)}" for n, step in enumerate(head["steps"], 1)]
    for part in parts:
        lines += ["", f"## {part.title}"]
        for block in part.blocks:
            lines += _render_block(block)
    return "\n".join(lines) + "\n"


def _render_block(block: Block) -> list[str]:
    """One block as lines of Markdown."""
    lines = ["", f"### {escape_markdown(block.title)}"] if block.title else []
    if block.text:
        lines += ["", escape_markdown(block.text)]
    lines += ["", *(f"- {escape_markdown(item)}" for item in block.items)]
    if block.table:
        lines += [to_markdown(block.table)]
    for picture in block.pictures:
        lines += ["", f"![{escape_markdown(picture.title)}]({picture.name}.png)", ""]
        lines += [f"*{escape_markdown(picture.sentence)}* [Data]({picture.file})"]
    if block.links:
        links = ", ".join(f"[{escape_markdown(p.title)}]({p.name}.png)" for p in block.links)
        lines += ["", f"Also: {links}"]
    if block.csv:
        lines += ["", f"Data: [{block.csv}]({block.csv})"]
    if block.code:
        lines += ["", *(f"    {clean_line}" for clean_line in code_lines(block.code))]
    return lines


def code_lines(code: str) -> list[str]:
    """Printable lines of a command or of settings, indentation kept."""
    return [
        line[: len(line) - len(line.lstrip(" "))] + clean(line, 1000) for line in code.splitlines()
    ]

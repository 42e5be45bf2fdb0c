"""What each task of Ansible came to, as a line of JSON on standard output; read by `hive_nornir.ansible.outcomes`."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: hive_events
type: stdout
short_description: A line of JSON a task, for hive-nornir
description: A line of JSON a task, for hive-nornir.
extends_documentation_fragment: [default_callback]
"""
_SAID = ("msg", "reason", "stderr", "module_stderr", "stdout", "module_stdout")


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible-core has no types
    """Ansible's name for the class of a callback plugin."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "hive_events"

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002 - Ansible's signature
        """A task begins."""
        _write({"event": "begun", "task": task.get_name()})

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """A handler begins."""
        _write({"event": "begun", "task": task.get_name()})

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task ended well, changed or not."""
        self._tell("ok", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A task did not apply, or cannot be tried in a dry run."""
        self._tell("skipped", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed."""
        self._tell("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """The host did not answer."""
        self._tell("unreachable", result)

    def _tell(self, event: str, result: Any) -> None:
        # Their names until and since ansible-core 2.19.
        found = dict(result.result if hasattr(result, "result") else result._result)
        task = result.task if hasattr(result, "task") else result._task
        items = [item for item in found.get("results") or [] if isinstance(item, dict)] if task.loop or task.loop_with else []
        hidden = bool(found.get("_ansible_no_log") or "censored" in found)
        # Of a loop the item that failed says why, of facts the part of the module.
        parts = [*items, *(found.get("failed_modules") or {}).values()]
        said = next((part for part in parts if part.get("failed") or part.get("unreachable")), found) if event != "ok" else found
        diffs = [each["diff"] for each in (found, *items) if each.get("diff")]
        _write(
            {
                "event": event,
                "task": task.get_name(),
                "action": task.action,
                "changed": bool(found.get("changed")),
                "target": next((found[key] for key in ("dest", "path", "name") if isinstance(found.get(key), str)), ""),
                "said": {key: str(said[key]) for key in _SAID if said.get(key)},
                "diff": "" if hidden else "\n".join(self._get_diff(diff) for diff in diffs),
            }
        )


def _write(event: dict[str, Any]) -> None:
    try:
        sys.stdout.write(f"{json.dumps({'hive': 1, **event})}\n")
        sys.stdout.flush()
    except BrokenPipeError:  # who has started us is gone, and nobody would end us
        os.killpg(0, signal.SIGTERM)

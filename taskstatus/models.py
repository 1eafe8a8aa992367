"""No table: statuses live in the store. The model carries the permission to read any task."""

from __future__ import annotations

from django.db import models

__all__ = ["TaskStatus"]


class TaskStatus(models.Model):
    """``taskstatus.view_taskstatus`` lets a user read every task."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = "task status"
        verbose_name_plural = "task statuses"

    def __str__(self) -> str:
        return "task status"

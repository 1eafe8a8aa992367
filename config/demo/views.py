"""The two pages: where a job is started, and where it is watched."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from kombu.exceptions import OperationalError

from config.demo import cuts, uploads
from config.demo.lines import lines_for
from config.demo.sample import Sample
from config.demo.tasks import summarize_sample, summarize_upload
from config.demo.uploads import UploadRefusedError
from config.demo.visitor import Job, forget_job, job_of, jobs_of, remember_job
from taskstatus import get_status
from taskstatus.access import make_token, read_token
from taskstatus.exceptions import StoreUnavailable

if TYPE_CHECKING:
    import uuid

    from django.http import HttpRequest

__all__ = ["cut", "home", "watch"]

_TITLE_LENGTH = 80


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Show the form; on a POST start the job that it asks for and go to its page."""
    error, status = "", 200
    if request.method == "POST":
        try:
            task_id = _start(request)
        except UploadRefusedError as refusal:
            error, status = str(refusal), 400
        except OperationalError:
            error, status = "The job queue cannot be reached just now. Please try again soon.", 503
        else:
            remember_job(request.session, task_id, _new_job(task_id))
            return redirect("job", task_id)
    context = {
        "error": error,
        "extensions": ",".join(uploads.EXTENSIONS),
        "max_bytes": settings.DEMO_MAX_UPLOAD_BYTES,
        "max_megabytes": settings.DEMO_MAX_UPLOAD_BYTES // 1024**2,
        "samples": list(Sample),
        "jobs": jobs_of(request.session),
    }
    return render(request, "demo/home.html", context, status=status)


@never_cache
@require_safe
def watch(request: HttpRequest, task_id: uuid.UUID) -> HttpResponse:
    """
    Show a job live, to a visitor who started it or who comes with its token.

    Whether there is such a job is not said to anybody else.
    """
    name = str(task_id)
    if "token" in request.GET:
        token = request.GET["token"]
        known = job_of(request.session, name)
        if _is_good(token, name) and not (known and _is_good(known["token"], name)):
            remember_job(request.session, name, Job(token=token))
        # Not to be shown, bookmarked or sent on with the token in it.
        return redirect("job", task_id)
    job = job_of(request.session, name)
    if job is None or not _is_good(job["token"], name):
        forget_job(request.session, name)
        return render(request, "demo/no_access.html", status=403)
    origin = f"{request.scheme}://{request.get_host()}"
    context = {
        "task": {"taskId": name, "types": ["status", "log"], **job},
        "cuts": cuts.cuts_of(name),
        "lines": lines_for(name, job["token"], origin=origin),
    }
    return render(request, "demo/job.html", context)


@never_cache
@require_POST
def cut(request: HttpRequest, task_id: uuid.UUID) -> HttpResponse:
    """Cut a transport for a job, or mend it, as a visitor who may see the job asks."""
    name = str(task_id)
    job = job_of(request.session, name)
    if job is None or not _is_good(job["token"], name):
        return HttpResponseForbidden()
    transport = request.POST.get("transport", "")
    if transport not in cuts.TRANSPORTS:
        return HttpResponseBadRequest()
    cuts.cut(name, transport, is_cut=request.POST.get("cut") == "true")
    return HttpResponse(status=204)


def _is_good(token: str, task_id: str) -> bool:
    return read_token(token, task_id, "read") is not None


def _new_job(task_id: str) -> Job:
    """Return a token for a job just started, and where its stream begins."""
    job = Job(token=make_token(task_id))
    try:
        status = get_status(task_id)
    except StoreUnavailable:
        return job
    if status is not None:
        job["after"], job["state"] = status.cursor, status.state
    return job


def _start(request: HttpRequest) -> str:
    """Enqueue the job that the form asks for and return its id. Raises UploadRefusedError."""
    if request.POST.get("sample") in list(Sample):
        return summarize_sample.delay(request.POST["sample"]).id
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise UploadRefusedError("Please choose a file first.")
    uploads.check_upload(file)
    uploads.sweep_uploads()
    name = uploads.keep_upload(file)
    title = "".join(filter(str.isprintable, PurePath(file.name or "").name))[:_TITLE_LENGTH]
    try:
        return summarize_upload.delay(name, title).id
    except Exception:
        uploads.upload_path(name).unlink(missing_ok=True)
        raise

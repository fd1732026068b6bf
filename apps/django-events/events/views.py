"""The pages: everything that is on, and one event with its guests."""

import logging

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import Count
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from .forms import EventForm, RsvpForm
from .models import Event, Rsvp

log = logging.getLogger(__name__)

EVENTS_PER_PAGE = 12


@require_http_methods(["GET", "HEAD", "POST"])
def home(request):
    """Lists the events, newest first; a POST announces one more."""
    form = EventForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        event = form.save(commit=False)
        event.host = request.user if request.user.is_authenticated else None
        event.save()
        log.info("event %s announced", event.pk)
        messages.success(request, f"“{event.title}” is announced.")
        return redirect("home")
    events = Event.objects.annotate(guests=Count("rsvps")).order_by(*Event._meta.ordering)
    page = Paginator(events, EVENTS_PER_PAGE).get_page(request.GET.get("page"))
    status = 400 if form.errors else 200
    return render(request, "events/home.html", {"form": form, "page": page}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def detail(request, pk):
    """Shows one event; a POST puts a name on its guest list."""
    event = get_object_or_404(Event.objects.select_related("host"), pk=pk)
    form = RsvpForm(request.POST or None, instance=Rsvp(event=event))
    if request.method == "POST" and form.is_valid() and saved(form):
        messages.success(request, f"See you there, {form.instance.name}.")
        return redirect(event)
    status = 400 if form.errors else 200
    return render(request, "events/detail.html", {"event": event, "form": form}, status=status)


def saved(form):
    """Saves; false if the same name came in by another request since it was checked."""
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError:
        form.add_error("name", "That name is already on the list.")
        return False
    return True

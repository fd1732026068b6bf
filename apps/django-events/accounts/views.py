from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from .forms import ProfileForm
from .models import Profile

EVENTS_SHOWN_MAX = 24


def profile(request, username):
    """Anybody's page, with what they announced last."""
    found = get_object_or_404(Profile.objects.select_related("user"), user__username=username)
    events = found.user.events.all()[:EVENTS_SHOWN_MAX]
    return render(request, "accounts/profile.html", {"profile": found, "events": events})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request):
    """One's own picture and words; nobody else's."""
    form = ProfileForm(request.POST or None, request.FILES or None, instance=request.user.profile)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, "Your profile is saved.")
        return redirect(saved)
    status = 400 if form.errors else 200
    return render(request, "accounts/edit.html", {"form": form}, status=status)

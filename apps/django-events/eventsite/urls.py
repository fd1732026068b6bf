"""Every address of the site."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.static import serve
from rest_framework.routers import DefaultRouter

from accounts import views as accounts
from events import views as events
from events.api import EventViewSet

from .health import healthz

api = DefaultRouter()
api.register("events", EventViewSet, basename="event-api")

urlpatterns = [
    path("", events.home, name="home"),
    path("events/<int:pk>/", events.detail, name="event"),
    path("me/", accounts.edit, name="profile-edit"),
    path("people/<str:username>/", accounts.profile, name="profile"),
    path("accounts/", include("allauth.urls")),
    path("api/", include(api.urls)),
    path("admin/", admin.site.urls),
    path("healthz", healthz, name="healthz"),
]

if not settings.USE_S3:
    # Without a bucket pictures live on the dyno's own disk, and vanish with it: enough to try the site.
    urlpatterns.append(re_path(r"^media/(?P<path>.+)$", serve, {"document_root": settings.MEDIA_ROOT}))

"""`/healthz`: whether this dyno can serve, which means whether its database answers."""

import logging
import os

from django.db import Error, connection
from django.http import JsonResponse
from django.views.decorators.cache import never_cache

from .version import RELEASE_MARKER

log = logging.getLogger(__name__)


@never_cache
def healthz(_request):
    answer = {"release": RELEASE_MARKER, "dyno": os.environ.get("DYNO", ""), "database": connection.vendor}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except Error as error:
        log.error("the database does not answer: %s", error)
        return JsonResponse(answer | {"status": "database unreachable"}, status=503)
    return JsonResponse(answer | {"status": "ok"})

"""Accounts and the profiles that belong to them."""

from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.test import TestCase

from eventsite.testing import picture

PASSWORD = "correct-horse-battery"


class SignUpTest(TestCase):
    def setUp(self):
        cache.clear()  # django-allauth counts attempts there

    def test_signing_up_signs_in_and_makes_a_profile(self):
        form = {"username": "ada", "password1": PASSWORD, "password2": PASSWORD}
        answer = self.client.post("/accounts/signup/", form, follow=True)
        self.assertEqual(answer.redirect_chain[-1], ("/me/", 302))
        self.assertContains(self.client.get("/people/ada/"), "Edit your profile")

    def test_signing_in(self):
        get_user_model().objects.create_user("ada", password=PASSWORD)
        wrong = self.client.post("/accounts/login/", {"login": "ada", "password": "nonsense"})
        self.assertEqual((wrong.status_code, self.client.get("/me/").status_code), (200, 302))
        right = self.client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
        self.assertEqual((right.status_code, self.client.get("/me/").status_code), (302, 200))

    def test_github_is_offered_only_where_it_is_configured(self):
        self.assertNotContains(self.client.get("/accounts/login/"), "GitHub")
        app = {"client_id": "placeholder", "secret": "placeholder"}
        with self.settings(SOCIALACCOUNT_PROVIDERS={"github": {"APPS": [app]}}):
            self.assertContains(self.client.get("/accounts/login/"), "GitHub")


class ProfileTest(TestCase):
    def setUp(self):
        self.ada = get_user_model().objects.create_user("ada")
        self.bob = get_user_model().objects.create_user("bob")

    def test_one_edits_only_ones_own(self):
        self.assertRedirects(
            self.client.post("/me/", {"about": "x"}), "/accounts/login/?next=/me/", fetch_redirect_response=False
        )
        self.client.force_login(self.ada)
        self.client.post("/me/", {"about": "I <count>", "picture": picture()})
        self.ada.profile.refresh_from_db()
        self.bob.profile.refresh_from_db()
        self.assertRegex(self.ada.profile.picture.name, r"^people/[0-9a-f]{32}\.png$")
        self.assertEqual(self.bob.profile.about, "")

    def test_the_page_shows_words_and_picture(self):
        self.client.force_login(self.ada)
        page = self.client.post("/me/", {"about": "I <count>", "picture": picture()}, follow=True)
        self.assertContains(page, "I &lt;count&gt;")
        self.ada.profile.refresh_from_db()
        self.assertContains(page, self.ada.profile.picture.url)

    def test_bobs_page_has_no_edit_link_for_ada(self):
        self.client.force_login(self.ada)
        self.assertNotContains(self.client.get("/people/bob/"), "Edit your profile")

    def test_nobody_is_not_found(self):
        self.assertEqual(self.client.get("/people/nobody/").status_code, 404)

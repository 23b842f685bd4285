"""The addresses under /v1/registry."""

from django.urls import path

from learntrace.registry import views

urlpatterns = [
    path("asset", views.AssetsView.as_view()),
    path("asset/<str:name>", views.AssetView.as_view()),
    path("academy/asset", views.AcademyAssetsView.as_view()),
    path("academy/asset/<str:name>", views.AcademyAssetView.as_view()),
    path("academy/asset/<str:slug>/action/<str:action>", views.AssetActionView.as_view()),
]

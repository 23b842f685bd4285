from django.apps import AppConfig


class LearnPackConfig(AppConfig):
    name = "learntrace.learnpack"
    verbose_name = "LearnPack"

    def ready(self) -> None:
        from learntrace.assignments.changes.assets import register_follower
        from learntrace.assignments.telemetry_documents import register_keeper
        from learntrace.learnpack import personal_data
        from learntrace.learnpack.attempts import derivation, merged_users, moved_assets
        from learntrace.learnpack.ignore import academy_rules
        from learntrace.learnpack.processing import asset_changes, streaming, unread_documents
        from learntrace.personal.merging.merging import STEPS
        from learntrace.progress.recording import sources

        academy_rules.register()
        streaming.register()
        sources.register(sources.Source(streaming.SOURCE, derivation.derive, derivation.learners))
        personal_data.register()
        register_keeper(unread_documents.keep_records)
        register_follower(moved_assets.follow_moved_asset, asset_changes.follow_asset)
        STEPS.before[streaming.SOURCE] = merged_users.before_merge
        STEPS.undo[streaming.SOURCE] = merged_users.undo_merge

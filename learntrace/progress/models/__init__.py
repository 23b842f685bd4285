"""Activities of learners from every source, and the measures that follow from them per learner and assignment."""

from learntrace.progress.models.activities import Activity, Code, CodeUse
from learntrace.progress.models.assignments import Assignment, CheckedAssignment, FormerStep, StepList, StepRename
from learntrace.progress.models.corrections import CourseRun, EarlierRun, Exclusion, Floor
from learntrace.progress.models.measures import ErrorCount, Progress, ProgressState
from learntrace.progress.models.queues import Recomputation, Stale
from learntrace.progress.models.summaries import SummarySubscription

__all__ = [
    "Activity",
    "Assignment",
    "CheckedAssignment",
    "Code",
    "CodeUse",
    "CourseRun",
    "EarlierRun",
    "ErrorCount",
    "Exclusion",
    "Floor",
    "FormerStep",
    "Progress",
    "ProgressState",
    "Recomputation",
    "Stale",
    "StepList",
    "StepRename",
    "SummarySubscription",
]

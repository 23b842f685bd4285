// Scripts of your course for Classic Notebook 6: the hub puts them behind custom.js, which has getAssignmentTag(cell).

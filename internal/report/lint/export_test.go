package lint

// Summary writes findings a line each, for the tests outside of the package.
var Summary = lintSummary

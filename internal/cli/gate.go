package cli

// gateCommand groups the gates: each compares one figure with the baseline of
// main and says no with exit status 1.
type gateCommand struct {
	Coverage gateCoverage `cmd:"" help:"Merge coverage reports, compare with the baseline, decide."`
	Vulns    gateVulns    `cmd:"" help:"Reconcile the reports of vulnerability scanners, compare with the baseline, decide."`
	Accept   gateAccept   `cmd:"" help:"Accept a lower level of coverage, by whom and why: the baseline begins anew with it."`
	Explain  gateExplain  `cmd:"" help:"Replay the history: why this verdict, and what verdict other deltas would have given."`
}

package workflow

import "slices"

// autofix is switched off by a repository variable, and never concerns a fork.
const autofix = running + " && " + trusted + " && vars.KEEPGREEN_AUTOFIX != 'off'"

var (
	branches = Grant{"contents", "write", "makes the branch of a verified repair"}
	pulls    = Grant{"pull-requests", "write", "opens its pull request"}
	offer    = Pair{Key: "KEEPGREEN_AUTOFIX", Value: "${{ vars.KEEPGREEN_AUTOFIX }}"}
)

// heal is three jobs with three sets of rights: one has the model's key and runs
// nothing, one runs what nobody has looked at and has nothing, one may write and
// runs nothing.
func (p *pipeline) heal() {
	if len(p.has("ai_triage")) == 0 || len(p.Projects) == 0 {
		return
	}
	project := p.Projects[0]
	p.add(Job{
		ID: "auto_fix_propose", Why: "Repairs as patches. It runs no code of the repository.", Needs: []string{"ai_triage"}, Timeout: 10, Soft: true, Grants: []Grant{read},
		If: autofix + " && needs.ai_triage.outputs.fix_confidence > (vars.AI_CONFIDENCE_THRESHOLD || 0.9)",
		Steps: append(
			p.start(),
			download("ai-analysis", "found"),
			Step{
				Name: "Propose", Env: []Pair{offer, {Key: "AI_API_KEY", Value: "${{ secrets.AI_API_KEY }}"}},
				Run: "keepgreen fix propose --triage \"$(find found -name triage_report.json | head -n 1)\" --out fixes",
			},
			upload("auto-fix-proposed", "fixes/"),
		),
	})
	p.add(Job{
		ID: "auto_fix_verify", Why: "Tries the best repair in a throw-away work tree: no secrets, no token that writes.", Needs: []string{"ai_triage", "auto_fix_propose"}, Timeout: 30, Soft: true,
		Grants: []Grant{read}, If: autofix + " && needs.auto_fix_propose.result == 'success'",
		Outputs: []Pair{{Key: "publish", Value: "${{ steps.verify.outputs.publish }}"}},
		Steps: slices.Concat([]Step{checkout(deep)}, p.setup(project, last(project.Versions), ""), p.keepgreen(), []Step{
			download("@(ai-analysis|auto-fix-proposed)", "found"),
			{
				// Formatters are here, where the tools are.
				Name: "Verify", ID: "verify", Env: []Pair{offer},
				Run: "report=$(find found -name triage_report.json | head -n 1)\n" +
					"mkdir -p fixes\n" +
					"find found -name '*.patch' -exec cp {} fixes/ ';'\n" +
					"keepgreen fix propose --triage \"$report\" --out fixes --ai off\n" +
					"for patch in fixes/*.patch; do\n" +
					"  [ -e \"$patch\" ] || break\n" +
					"  if keepgreen fix verify --triage \"$report\" --patch \"$patch\"; then\n" +
					"    mv \"$patch\" fixes/verified.patch\n" +
					"    mv \"$patch.verdict.json\" fixes/verified.patch.verdict.json\n" +
					"    break\n" +
					"  fi\n" +
					"done",
			},
			upload("auto-fix", "fixes/verified.patch", "fixes/verified.patch.verdict.json"),
		}),
	})
	p.add(Job{
		ID: "auto_fix", Why: "Opens a pull request with the verified repair. It runs no code of the repository.", Needs: []string{"auto_fix_verify"}, Timeout: 10, Soft: true,
		Grants: []Grant{branches, pulls}, If: autofix + " && needs.auto_fix_verify.outputs.publish == 'true'",
		Steps: append(
			p.start(),
			download("auto-fix", "found"),
			Step{Name: "Publish", Env: []Pair{token, offer}, Run: "keepgreen fix publish --patch \"$(find found -name verified.patch | head -n 1)\""},
		),
	})
}

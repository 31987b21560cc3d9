package workflow

import (
	"slices"
	"strings"
)

// scan: an SBOM in both formats, two scanners, one answer.
func (p *pipeline) scan() {
	if !p.Manifests {
		return
	}
	p.add(Job{
		ID: "trivy-repo-scan", Why: "Known vulnerabilities of the dependencies: Trivy over the files, Grype over the SBOM, each finding once.", Timeout: 20,
		Grants: []Grant{read},
		Steps: append(
			p.start(),
			past(),
			Step{Name: "Syft", ID: "syft", Uses: "anchore/sbom-action/download-syft"},
			Step{
				Name: "SBOM in SPDX and CycloneDX", Env: []Pair{{Key: "SYFT", Value: "${{ steps.syft.outputs.cmd }}"}},
				Run: "mkdir -p reports/scan\n\"$SYFT\" scan dir:. -o spdx-json=reports/scan/sbom.spdx.json -o cyclonedx-json=reports/scan/sbom.cdx.json",
			},
			Step{Name: "Grype over the SBOM", Uses: "anchore/scan-action", With: []Pair{
				{Key: "sbom", Value: "reports/scan/sbom.cdx.json"},
				{Key: "fail-build", Value: "false"},
				{Key: "output-format", Value: "json"},
				{Key: "output-file", Value: "reports/scan/grype.json"},
			}},
			Step{Name: "Trivy over the files", Uses: "aquasecurity/trivy-action", With: []Pair{
				{Key: "scan-type", Value: "fs"},
				{Key: "scanners", Value: "vuln"},
				{Key: "format", Value: "json"},
				{Key: "output", Value: "reports/scan/trivy.json"},
				{Key: "exit-code", Value: "0"},
			}},
			Step{
				Name: "Vulnerability gate", ID: "gate",
				Run: "keepgreen gate vulns reports/scan/grype.json reports/scan/trivy.json --sarif reports/vulns.sarif",
			},
			upload("reports-scan", "reports/scan/\nreports/vulns.sarif"),
		),
	})
	p.add(Job{
		ID: "sbom-attestation", Why: "Says, signed by this workflow, which SBOM belongs to this commit.", If: p.onMain(), Needs: []string{"trivy-repo-scan"}, Timeout: 10,
		Grants: []Grant{identity, attests},
		Steps: []Step{
			download("reports-scan", "sbom"),
			{Name: "Attest both SBOMs", Uses: "actions/attest", With: []Pair{{Key: "subject-path", Value: "sbom/**/sbom.*.json"}}},
		},
	})
}

// images: built and scanned on pull requests, built, signed, attested and
// published on main. The job that publishes uses no cache: what a pull request
// can write to must not end up in an image.
func (p *pipeline) images() {
	if len(p.Images) == 0 {
		return
	}
	var scanned, built [][]Pair
	for _, i := range p.Images {
		row := []Pair{{Key: "flavour", Value: i.Flavour}, {Key: "file", Value: i.File}}
		scanned = append(scanned, row)
		built = append(built, append(row[:2:2], Pair{Key: "platforms", Value: i.Platforms}))
	}
	p.add(Job{
		ID: "docker-scan-pr", Title: "docker-scan-pr (${{ matrix.flavour }})", Why: "Each image for one platform, scanned before it can reach main.",
		If: "github.event_name == 'pull_request'", Timeout: 45, Grants: []Grant{read}, Matrix: &Matrix{Include: scanned},
		Steps: slices.Concat(p.start(), []Step{past(), buildx(), {
			Name: "Build", Uses: "docker/build-push-action", With: []Pair{
				{Key: "context", Value: "."},
				{Key: "file", Value: "${{ matrix.file }}"},
				{Key: "load", Value: "true"},
				{Key: "push", Value: "false"},
				{Key: "tags", Value: "scanned:${{ matrix.flavour }}"},
			},
		}}, p.scanImage("scanned:${{ matrix.flavour }}")),
	})
	p.add(p.publish(built))
}

func buildx() Step {
	return Step{Name: "Buildx", Uses: "docker/setup-buildx-action", With: []Pair{{Key: "cache-binary", Value: "false"}}}
}

// scanImage: an image has its own baseline; what its base image brings is not
// what the repository's dependencies bring.
func (p *pipeline) scanImage(ref string) []Step {
	return []Step{
		{Name: "Trivy over the image", Uses: "aquasecurity/trivy-action", With: []Pair{
			{Key: "scan-type", Value: "image"},
			{Key: "image-ref", Value: ref},
			{Key: "scanners", Value: "vuln"},
			{Key: "format", Value: "json"},
			{Key: "output", Value: "reports/image.json"},
			{Key: "exit-code", Value: "0"},
			{Key: "cache", Value: "false"},
		}},
		{
			Name: "Vulnerability gate", Env: []Pair{{Key: "FLAVOUR", Value: "${{ matrix.flavour }}"}},
			Run: `keepgreen gate vulns reports/image.json --baseline "ci_metrics/image_${FLAVOUR}_metrics.json" --no-history`,
		},
		upload("reports-image-${{ matrix.flavour }}", "reports/image.json"),
	}
}

// publish builds for every platform, signs without a key, and attests.
func (p *pipeline) publish(rows [][]Pair) Job {
	ref := []Pair{{Key: "REF", Value: "${{ steps.name.outputs.image }}@${{ steps.build.outputs.digest }}"}}
	attest := func(name string, more ...Pair) Step {
		return Step{Name: name, Uses: "actions/attest", With: append([]Pair{
			{Key: "subject-name", Value: "${{ steps.name.outputs.image }}"},
			{Key: "subject-digest", Value: "${{ steps.build.outputs.digest }}"},
			{Key: "push-to-registry", Value: "true"},
			{Key: "create-storage-record", Value: "false"},
		}, more...)}
	}
	return Job{
		ID: "docker-images", Title: "docker-images (${{ matrix.flavour }})", Why: "Images for amd64 and arm64: published, signed, with provenance and SBOM attested.",
		If: p.onMain(), Needs: p.has("lint", "test"), Timeout: 90, Grants: []Grant{read, packages, identity, attests}, Matrix: &Matrix{Include: rows},
		Steps: slices.Concat(p.start(), []Step{
			past(),
			{Name: "QEMU", Uses: "docker/setup-qemu-action", With: []Pair{{Key: "cache-image", Value: "false"}}},
			buildx(),
			{Name: "Sign in to the registry", Uses: "docker/login-action", With: []Pair{
				{Key: "registry", Value: "ghcr.io"},
				{Key: "username", Value: "${{ github.actor }}"},
				{Key: "password", Value: "${{ github.token }}"},
			}},
			{Name: "Name in lower case", ID: "name", Run: `echo "image=ghcr.io/${GITHUB_REPOSITORY,,}" >> "$GITHUB_OUTPUT"`},
			{Name: "Tags and labels", ID: "meta", Uses: "docker/metadata-action", With: []Pair{
				{Key: "images", Value: "${{ steps.name.outputs.image }}"},
				{Key: "flavor", Value: "suffix=-${{ matrix.flavour }}"},
				{Key: "tags", Value: "type=sha,format=long\ntype=raw,value=latest"},
			}},
			{Name: "Build and push", ID: "build", Uses: "docker/build-push-action", With: []Pair{
				{Key: "context", Value: "."},
				{Key: "file", Value: "${{ matrix.file }}"},
				{Key: "platforms", Value: "${{ matrix.platforms }}"},
				{Key: "push", Value: "true"},
				{Key: "tags", Value: "${{ steps.meta.outputs.tags }}"},
				{Key: "labels", Value: "${{ steps.meta.outputs.labels }}"},
				{Key: "provenance", Value: "mode=max"},
				{Key: "sbom", Value: "true"},
			}},
			{Name: "Cosign", Uses: "sigstore/cosign-installer"},
			{Name: "Sign", Env: ref, Run: `cosign sign --yes --recursive "$REF"`},
			{Name: "Syft", ID: "syft", Uses: "anchore/sbom-action/download-syft"},
			{
				Name: "SBOM in SPDX and CycloneDX", Env: append([]Pair{{Key: "SYFT", Value: "${{ steps.syft.outputs.cmd }}"}}, ref...),
				Run: `"$SYFT" scan "registry:$REF" -o spdx-json=image.spdx.json -o cyclonedx-json=image.cdx.json`,
			},
			attest("Attest the provenance"),
			attest("Attest the SPDX SBOM", Pair{Key: "sbom-path", Value: "image.spdx.json"}),
			attest("Attest the CycloneDX SBOM", Pair{Key: "sbom-path", Value: "image.cdx.json"}),
		}, p.scanImage("${{ steps.name.outputs.image }}@${{ steps.build.outputs.digest }}")),
	}
}

// codeql names a language as CodeQL does, and how it is built.
var codeql = map[Language][2]string{Python: {"python", "none"}, Go: {"go", "autobuild"}, Node: {"javascript-typescript", "none"}}

// architecture: how the code hangs together, and CodeQL over it.
func (p *pipeline) architecture() {
	var rows [][]Pair
	seen := map[Language]bool{}
	first := ""
	for _, project := range p.Projects {
		if c := codeql[project.Language]; !seen[project.Language] {
			seen[project.Language] = true
			rows = append(rows, []Pair{{Key: "language", Value: c[0]}, {Key: "build", Value: c[1]}})
			if first == "" && project.Language != Node {
				first = c[0]
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	rows = append(rows, []Pair{{Key: "language", Value: "actions"}, {Key: "build", Value: "none"}})
	steps := []Step{checkout(deep)}
	if first != "" {
		only := "matrix.language == '" + first + "'"
		for _, s := range p.keepgreen() {
			steps = append(steps, conditional(s, only))
		}
		steps = append(steps, Step{Name: "Architecture", If: only, Run: "keepgreen arch --out architecture"})
	}
	steps = append(steps,
		Step{Name: "CodeQL", Uses: "github/codeql-action/init", With: []Pair{
			{Key: "languages", Value: "${{ matrix.language }}"},
			{Key: "build-mode", Value: "${{ matrix.build }}"},
			{Key: "queries", Value: "security-and-quality"},
		}},
		Step{Name: "CodeQL's answer", Uses: "github/codeql-action/analyze", With: []Pair{
			{Key: "category", Value: "/language:${{ matrix.language }}"},
			{Key: "upload", Value: "never"},
			{Key: "output", Value: "architecture/codeql"},
		}},
		upload("architecture-${{ matrix.language }}", "architecture/"))
	p.add(Job{
		ID: "architecture_scan", Title: "architecture_scan (${{ matrix.language }})", Why: "Import cycles, coupling, hotspots, a health score; CodeQL for security and quality.",
		Timeout: 45, Grants: []Grant{read}, Matrix: &Matrix{Include: rows}, Steps: steps,
	})
}

func conditional(s Step, only string) Step {
	s.If = both(only, s.If)
	return s
}

// forensics verifies what the program under test recorded about itself.
func (p *pipeline) forensics() {
	if p.Forensics == "" {
		return
	}
	project := p.Projects[0]
	steps := slices.Concat([]Step{checkout()}, p.setup(project, last(project.Versions), ""), p.keepgreen())
	p.add(Job{
		ID: "cache-forensics", Why: "The forensic log is as it was written, and what was freed was wiped.", Timeout: 10, Grants: []Grant{read},
		Steps: append(
			steps,
			Step{Keep: "cache-forensics.before"},
			Step{Name: "Write the log", Env: []Pair{{Key: "FORENSIC_HMAC_SECRET", Value: "${{ secrets.FORENSIC_HMAC_SECRET }}"}}, Run: project.python() + " " + p.Forensics + " forensics"},
			Step{Name: "Verify the chain", Env: []Pair{{Key: "FORENSIC_HMAC_SECRET", Value: "${{ secrets.FORENSIC_HMAC_SECRET }}"}}, Run: "for log in forensics/*.log; do\n  case \"$log\" in *-[0-9]*.log) continue ;; esac # a rotation, verified with its log\n  keepgreen forensics verify \"$log\"\ndone"},
			Step{Name: "Eviction gate", If: running, Run: "keepgreen forensics gate forensics/eviction_metrics.json --out forensics/verdict.json"},
			upload("reports-forensics", "forensics/"),
		),
	})
}

// triage explains what went wrong, also and especially when something did.
func (p *pipeline) triage() {
	needs := p.has("lint", "test", "coverage-aggregate")
	if len(needs) == 0 {
		return
	}
	p.add(Job{
		ID: "ai_triage", Why: "What broke, why, and whose it is. It says no to nothing.", If: running, Needs: needs, Timeout: 15, Soft: true, Grants: []Grant{read},
		Outputs: []Pair{
			{Key: "fix_confidence", Value: "${{ steps.triage.outputs.fix_confidence }}"},
			{Key: "has_flaky_tests", Value: "${{ steps.triage.outputs.has_flaky_tests }}"},
			{Key: "triage_summary", Value: "${{ steps.triage.outputs.triage_summary }}"},
		},
		Steps: append(
			p.start(),
			past(),
			download("reports-@(lint|test-*)", "reports"),
			Step{Name: "Triage", ID: "triage", Env: []Pair{{Key: "AI_API_KEY", Value: "${{ secrets.AI_API_KEY }}"}}, Run: "keepgreen triage reports --out ai_analysis"},
			upload("ai-analysis", "ai_analysis/"),
		),
	})
}

// sarif uploads every finding. It is a job of its own so that no job that runs
// code of a pull request has a token that can write.
func (p *pipeline) sarif() {
	needs := p.has("trivy-repo-scan", "architecture_scan")
	if len(needs) == 0 {
		return
	}
	steps := []Step{checkout(), download("*-*", "found")}
	add := func(name, file, category string) {
		steps = append(steps, Step{
			Name: name, If: "hashFiles('" + file + "') != ''", Uses: "github/codeql-action/upload-sarif",
			With: []Pair{{Key: "sarif_file", Value: strings.TrimSuffix(file, "/*.sarif")}, {Key: "category", Value: category}},
		})
	}
	if len(p.has("trivy-repo-scan")) > 0 {
		add("Vulnerabilities", "found/reports-scan/vulns.sarif", "keepgreen-vulnerabilities")
	}
	for _, j := range p.jobs {
		if j.ID != "architecture_scan" {
			continue
		}
		for i, row := range j.Matrix.Include {
			language := row[0].Value
			if i == 0 && len(j.Steps) > 4 {
				add("Architecture", "found/architecture-"+language+"/architecture.sarif", "keepgreen-architecture")
			}
			add("CodeQL for "+language, "found/architecture-"+language+"/codeql/*.sarif", "/language:"+language)
		}
	}
	p.add(Job{
		ID: "upload-sarif", Why: "Findings for the Security tab; a fork's token cannot write there.", If: running + " && " + trusted, Needs: needs, Timeout: 10,
		Grants: []Grant{read, findings}, Soft: true, Steps: steps,
	})
}

package cli

import (
	"encoding/json"
	"os"
	"strings"

	"keepgreen/internal/github"
)

// forge makes a client of the repository on GitHub: the one that is named, else
// the one whose workflow this is. Without a token it can read what is public.
func (s *session) forge(named string) (*github.Client, error) {
	if named == "" {
		named = s.Env["GITHUB_REPOSITORY"]
	}
	if named == "" {
		return nil, usagef("--repo OWNER/NAME says which repository", "which repository on GitHub is not known")
	}
	repo, err := github.ParseRepo(named)
	if err != nil {
		return nil, usagef("", "--repo: %w", err)
	}
	version, _ := buildVersion()
	options := github.Options{
		Repo: repo, API: s.Env["GITHUB_API_URL"], GraphQL: s.Env["GITHUB_GRAPHQL_URL"], Token: s.forgeToken(), UserAgent: "keepgreen/" + version,
	}
	if id, key := s.Env["GITHUB_APP_ID"], s.Env["GITHUB_APP_PRIVATE_KEY"]; id != "" && key != "" {
		private, err := github.ParseAppKey([]byte(key))
		if err != nil {
			return nil, usagef("", "GITHUB_APP_PRIVATE_KEY: %w", err)
		}
		options.App = &github.App{ID: id, Key: private}
	}
	client, err := github.New(options)
	if err != nil {
		return nil, usagef("", "GITHUB_API_URL: %w", err)
	}
	return client, nil
}

func (s *session) forgeToken() string {
	if s.Env["GITHUB_TOKEN"] != "" {
		return s.Env["GITHUB_TOKEN"]
	}
	return s.Env["GH_TOKEN"]
}

// event is what the forge says of the event that started this workflow. It is
// GitHub's own file, so what it says may be trusted; the texts in it may not.
type event struct {
	Number int `json:"number"`
	Pull   *struct {
		Number int `json:"number"`
		Head   struct {
			SHA  string `json:"sha"`
			Repo *struct {
				Name string `json:"full_name"`
			} `json:"repo"`
		} `json:"head"`
	} `json:"pull_request"`
	WorkflowRun *struct {
		ID int64 `json:"id"`
	} `json:"workflow_run"`
}

// event reads GITHUB_EVENT_PATH; the zero value where there is none.
func (s *session) event() (event, error) {
	var e event
	path := s.Env["GITHUB_EVENT_PATH"]
	if path == "" {
		return e, nil
	}
	data, err := s.readBounded(path, 32<<20)
	if err != nil {
		if os.IsNotExist(err) {
			return e, nil
		}
		return e, usagef("", "GITHUB_EVENT_PATH: %w", bare(err))
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return e, usagef("", "GITHUB_EVENT_PATH: %w", err)
	}
	return e, nil
}

// serverURL is the forge's address for people.
func (s *session) serverURL() string {
	if s.Env["GITHUB_SERVER_URL"] != "" {
		return strings.TrimSuffix(s.Env["GITHUB_SERVER_URL"], "/")
	}
	return "https://github.com"
}

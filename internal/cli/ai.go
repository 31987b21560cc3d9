package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"keepgreen/internal/agent"
	"keepgreen/internal/ci"
	"keepgreen/internal/llm"
	"keepgreen/internal/triage"
)

// aiFlags are the flags of every command that may ask a model.
type aiFlags struct {
	AI         string        `name:"ai" enum:"auto,off" default:"auto" help:"Ask a model where one is configured: ${enum}." placeholder:"auto|off"`
	AIBudget   string        `name:"ai-budget" key:"ai.budget" default:"200000,$1" help:"What a run may use: tokens, dollars, or both." placeholder:"TOKENS,$$DOLLARS"`
	AIModel    string        `name:"ai-model" setting:"AI_MODEL" key:"ai.model" default:"claude-3-5-sonnet-20241022" help:"The model." placeholder:"MODEL"`
	AITokens   int           `name:"ai-max-tokens" setting:"AI_MAX_TOKENS" key:"ai.max_tokens" default:"4096" help:"The most tokens of one answer." placeholder:"N"`
	AITimeout  time.Duration `name:"ai-timeout" key:"ai.timeout" default:"2m" help:"The most time that one question takes, retries included." placeholder:"DURATION"`
	ShowPrompt bool          `help:"Print exactly what would be sent to a model, and send nothing."`
}

// advisor asks the configured model, within the run's budget. What it cannot
// get is said in one line; the deterministic answer stands either way.
type advisor struct {
	client  *llm.Client // nil: nobody is asked
	secrets *agent.Secrets
	show    io.Writer // prompts are printed here and not sent; nil: they are sent
	tokens  int
	notes   []string
}

// advisor sets up who is asked. It opens no connection and compiles no detector.
func (s *session) advisor(f aiFlags) (*advisor, error) {
	a := &advisor{secrets: agent.NewSecrets(s.Env), tokens: f.AITokens}
	budget, err := llm.ParseBudget(f.AIBudget)
	if err != nil {
		return nil, usagef("", "--ai-budget: %w", err)
	}
	if f.AITokens <= 0 {
		return nil, usagef("", "--ai-max-tokens: %d is not above 0", f.AITokens)
	}
	switch {
	case f.ShowPrompt:
		a.show = s.Stdout
		return a, nil
	case f.AI == "off":
		return a, nil
	case s.Env["AI_API_KEY"] == "":
		a.note("⚠️ AI_API_KEY not set: the built-in engine answered alone")
		return a, nil
	}
	compatible := s.Env["AI_BASE_URL"]
	if compatible == "" {
		compatible = s.Env["OPENAI_BASE_URL"]
	}
	a.client, err = llm.New(llm.Config{
		Key: s.Env["AI_API_KEY"], Model: f.AIModel, Timeout: f.AITimeout, Budget: budget,
		AnthropicURL: s.Env["ANTHROPIC_BASE_URL"], OpenAIURL: compatible, Compatible: compatible,
		Cache: filepath.Join(s.root(), ".keepgreen", "ai"), Now: s.Now, Jitter: rand.Float64,
	})
	if err != nil {
		a.note("⚠️ AI API call failed: " + err.Error())
	}
	return a, nil
}

func (a *advisor) note(text string) { a.notes = append(a.notes, text) }

// said is the line about models: what happened and what it cost.
func (a *advisor) said() string {
	notes := a.notes
	if a.client != nil {
		if notice := a.client.Notice(); notice != "" {
			notes = append(notes, "⚠️ "+notice)
		}
		if spent := a.client.Spent(); spent.Requests > 0 {
			notes = append(notes, "AI: "+spent.String())
		}
	}
	return strings.Join(notes, "; ")
}

// usage is what asking took; nil where nobody was asked.
func (a *advisor) usage() *ci.ModelUsage {
	if a.client == nil {
		return nil
	}
	spent := a.client.Spent()
	if spent.Requests == 0 {
		return nil
	}
	return &ci.ModelUsage{Calls: spent.Requests, InputTokens: spent.Usage.Input, OutputTokens: spent.Usage.Output, Dollars: spent.Dollars}
}

// ask is the one way in which a command asks a model: the question's data loses
// its secrets, the reply is held against the schema and then against the data,
// and one round of repair is allowed. ok is false where the deterministic answer
// has to do; why is in said.
func ask[T any](ctx context.Context, a *advisor, q agent.Question[T]) (answer T, model string, ok bool) {
	if a.client == nil && a.show == nil {
		return answer, "", false
	}
	prompt, err := q.Prompt(a.secrets)
	if err != nil {
		a.note("⚠️ AI API call failed: " + err.Error())
		return answer, "", false
	}
	if a.show != nil {
		fmt.Fprintf(a.show, "# %s: system\n%s\n\n# %s: user\n%s\n", q.Kind, prompt.System, q.Kind, prompt.User)
		return answer, "", false
	}
	question := llm.Request{Kind: q.Kind, System: prompt.System, User: prompt.User, Schema: prompt.Schema, MaxTokens: a.tokens}
	request := question
	for range 2 {
		reply, err := a.client.Ask(ctx, request)
		if err != nil {
			a.note("⚠️ AI API call failed: " + a.secrets.Remove(err.Error()))
			return answer, "", false
		}
		fields, problems := q.Read(reply.Text)
		if problems == nil {
			if answer, ok = q.Check(fields, prompt.Data); !ok {
				a.note("⚠️ AI API call failed: nothing in the reply is supported by the evidence")
				return answer, "", false
			}
			a.client.Keep(question, reply)
			return answer, reply.Model, true
		}
		request.Turns = append(request.Turns, llm.Turn{Answer: cutTo(reply.Text, 16<<10), Reply: agent.Repair(problems)})
	}
	a.note("⚠️ AI API call failed: the reply does not fit its schema, nor does its repair")
	return answer, "", false
}

func cutTo(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// opinions adds to each cluster what the model says of it.
func (a *advisor) opinions(ctx context.Context, root string, clusters []ci.Cluster) {
	if len(clusters) == 0 {
		return
	}
	about := agent.Context{Mask: triage.Mask, Code: codeBelow(root)}
	found, model, ok := ask(ctx, a, agent.AskTriage(clusters, about))
	if !ok {
		return
	}
	for i := range clusters {
		if o, ok := found[clusters[i].ID]; ok {
			o.Model = model
			clusters[i].Opinion = &o
		}
	}
}

// around is how many lines of code on each side of a place are shown.
const around = 5

// codeBelow reads lines of the repository's regular files and of nothing else.
func codeBelow(root string) func(ci.Position) string {
	return func(at ci.Position) string {
		if at.Line <= 0 || !filepath.IsLocal(at.File) {
			return ""
		}
		dir, err := os.OpenRoot(root)
		if err != nil {
			return ""
		}
		defer dir.Close() //nolint:errcheck // it was only read from
		if info, err := dir.Lstat(at.File); err != nil || !info.Mode().IsRegular() {
			return ""
		}
		file, err := dir.Open(at.File)
		if err != nil {
			return ""
		}
		defer file.Close()
		text, err := excerptOf(file, at.Line)
		if err != nil {
			return ""
		}
		return text
	}
}

func excerptOf(r io.Reader, line int) (string, error) {
	var b strings.Builder
	in := bufio.NewScanner(io.LimitReader(r, 4<<20))
	for n := 1; in.Scan() && n <= line+around; n++ {
		if n >= line-around {
			b.WriteString(strconv.Itoa(n) + " " + cutTo(in.Text(), 200) + "\n")
		}
	}
	if err := in.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return "", err
	}
	return b.String(), nil
}

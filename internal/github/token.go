package github

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// signer adds the token to what goes to the API, and to nothing else: a
// redirect to another host must not carry it.
type signer struct {
	next  http.RoundTripper
	host  string
	token func(context.Context) (string, error)
}

// RoundTrip implements http.RoundTripper.
func (s *signer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != s.host {
		return s.next.RoundTrip(req)
	}
	token, err := s.token(req.Context())
	if err != nil {
		return nil, err
	}
	if token == "" {
		return s.next.RoundTrip(req)
	}
	signed := req.Clone(req.Context())
	signed.Header.Set("Authorization", "Bearer "+token)
	return s.next.RoundTrip(signed)
}

func fixed(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// appToken gets tokens of an App's installation, which live for an hour.
type appToken struct {
	app   App
	repo  Repo
	base  *url.URL
	next  http.RoundTripper
	now   func() time.Time
	agent string

	mu    sync.Mutex
	token string
	until time.Time
}

func (a *appToken) get(ctx context.Context) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && a.now().Before(a.until.Add(-5*time.Minute)) {
		return a.token, nil
	}
	var installation struct {
		ID int64 `json:"id"`
	}
	if err := a.call(ctx, http.MethodGet, fmt.Sprintf("repos/%s/%s/installation", a.repo.Owner, a.repo.Name), &installation); err != nil {
		return "", fmt.Errorf("find the app's installation on %s: %w", a.repo, err)
	}
	var made struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires_at"`
	}
	// Only this repository: a token that leaks opens no other.
	body := map[string]any{"repositories": []string{a.repo.Name}}
	if err := a.callWith(ctx, http.MethodPost, fmt.Sprintf("app/installations/%d/access_tokens", installation.ID), body, &made); err != nil {
		return "", fmt.Errorf("get a token of the app: %w", err)
	}
	a.token, a.until = made.Token, made.Expires
	return a.token, nil
}

func (a *appToken) call(ctx context.Context, method, path string, answer any) error {
	return a.callWith(ctx, method, path, nil, answer)
}

func (a *appToken) callWith(ctx context.Context, method, path string, body, answer any) error {
	proof, err := a.app.jwt(a.now())
	if err != nil {
		return err
	}
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base.JoinPath(path).String(), &sent)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("Authorization", "Bearer "+proof)
	req.Header.Set("User-Agent", a.agent)
	response, err := a.next.RoundTrip(req)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		var said struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(data, &said) // without a message the status speaks alone
		return &Error{What: "app", Status: response.StatusCode, Message: said.Message, kind: kindOf(response.StatusCode, said.Message)}
	}
	return json.Unmarshal(data, answer)
}

// jwt is the app's proof of who it is, for nine minutes; GitHub allows ten, and
// its clock may be behind ours
// (docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app).
func (a App) jwt(now time.Time) (string, error) {
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`))
	claims, err := json.Marshal(map[string]any{"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(9 * time.Minute).Unix(), "iss": a.ID})
	if err != nil {
		return "", err
	}
	text := head + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, a.Key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign with the app's key: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// ParseAppKey reads an app's private key as GitHub hands it out: PEM, PKCS #1;
// PKCS #8 is taken too.
func ParseAppKey(data []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("the app's key is not PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the app's key is no RSA private key")
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the app's key is no RSA private key")
	}
	return private, nil
}

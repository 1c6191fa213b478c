package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"whereby_exporter/collector/config"
	"whereby_exporter/collector/plan"
	"whereby_exporter/whereby"
)

// Check is the command check. It takes the flags of run.
type Check struct {
	Online bool   `help:"Also make one call to Whereby's API, and report its cost."`
	Plan   string `placeholder:"build|enterprise" help:"Print what to expect for an account on this Whereby plan, instead of checking."`
	Rooms  int    `default:"1000" placeholder:"N" help:"With --plan: rooms in the account (${default})."`
	Active *int   `placeholder:"N" help:"With --plan: rooms used within 24 hours (100, or all if there are fewer)."`

	Recordings int `default:"0" placeholder:"N" help:"With --plan: recordings that Whereby stores (${default})."`

	Flags `embed:""`
}

// defaultActive is what --active is if it is not given.
const defaultActive = 100

// onlineTimeout bounds the one call, its retries included.
const onlineTimeout = 30 * time.Second

// Run checks, or plans.
func (c *Check) Run(env *Env) error {
	if c.Plan != "" {
		return c.plan(env)
	}
	if err := c.validate(); err != nil {
		return err
	}
	file, err := c.Config.load()
	if err != nil {
		return err
	}
	if _, _, err := c.Webhook.verifier(env); errors.Is(err, fs.ErrPermission) {
		env.Log.Warn("the webhook secrets were not checked", "err", err)
	} else if err != nil {
		return err
	}
	transport := &transport{}
	if err := transport.use(file); err != nil {
		return fmt.Errorf("%s: %w", c.Config.File, err)
	}
	defer transport.close()
	fmt.Fprintln(env.Stdout, "configuration: ok")
	fmt.Fprintln(env.Stdout, c.customers(file))
	if !c.Online {
		// The key is not looked at: the file is often checked by somebody who has none.
		fmt.Fprintln(env.Stdout, "next: add --online to test the API key with one call")
		return nil
	}
	noteProxy(env, file)
	key, err := c.Whereby.key(env.Getenv)
	if err != nil {
		return err
	}
	return c.online(env, key, transport)
}

// customers says what the file was understood to name.
func (c *Check) customers(file *config.Config) string {
	if c.Config.File == "" {
		return "customers: none, without --config.file"
	}
	quotas := len(file.Organization.Quotas)
	for _, customer := range file.Customers {
		quotas += len(customer.Quotas)
	}
	return fmt.Sprintf("customers: %s, %s in %s", plural(len(file.Customers), "room prefix", "room prefixes"), plural(quotas, "quota", "quotas"), c.Config.File)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (c *Check) plan(env *Env) error {
	points, ok := plan.PointsPerMinute(c.Plan)
	if !ok {
		return fmt.Errorf("--plan=%s: must be build or enterprise, the Whereby plan of the account", c.Plan)
	}
	if c.Rooms < 0 {
		return fmt.Errorf("--rooms=%d: must not be negative", c.Rooms)
	}
	if c.Recordings < 0 {
		return fmt.Errorf("--recordings=%d: must not be negative", c.Recordings)
	}
	active := min(c.Rooms, defaultActive)
	if c.Active != nil {
		active = *c.Active
	}
	if active < 0 || active > c.Rooms {
		return fmt.Errorf("--active=%d: must not be negative, nor above --rooms=%d", active, c.Rooms)
	}
	if err := errors.Join(c.Whereby.validate(), c.Poll.validate()); err != nil {
		return err
	}
	account := plan.Account{
		PointsPerMinute:  points,
		Rooms:            c.Rooms,
		Active:           active,
		Recordings:       c.Recordings,
		Share:            c.Whereby.RateLimitShare,
		Interval:         c.Poll.Interval,
		FullPollInterval: c.Poll.FullPollInterval,
	}
	if c.Whereby.ReadCost != nil {
		account.ReadCost = *c.Whereby.ReadCost
		return plan.Print(env.Stdout, account, plan.Make(account))
	}
	expensive := account
	expensive.ReadCost = whereby.MaxReadCost
	return plan.Print(env.Stdout, account, plan.Make(account), plan.Make(expensive))
}

// online asks for one room, as cheaply as the API allows.
func (c *Check) online(env *Env, key whereby.KeyFunc, transport http.RoundTripper) error {
	client, err := c.Whereby.client(key, transport)
	if err != nil {
		return err
	}
	// A person waits for the answer, and can repeat the command.
	client.Retry.MaxAttempts = 1
	client.Retry.MaxThrottleWait = time.Nanosecond
	var exchange whereby.Exchange
	client.OnExchange = func(e whereby.Exchange) { exchange = e }

	ctx, cancel := context.WithTimeout(env.Context, onlineTimeout)
	defer cancel()
	for _, err := range client.Rooms(ctx, whereby.RoomsQuery{PageSize: 1}) {
		if err != nil {
			return fmt.Errorf("%s: %w", c.Whereby.URL, err)
		}
		break
	}
	fmt.Fprintf(env.Stdout, "online: ok, %s answers and accepts the API key\n", c.Whereby.URL)
	if limit := exchange.RateLimit; limit.LimitKnown && limit.RemainingKnown {
		fmt.Fprintf(env.Stdout, "rate limit: %d points a minute for the organization, %d left now\n", limit.Limit, limit.Remaining)
		fmt.Fprintf(env.Stdout, "cost: this read cost %d of them at most\n", exchange.Points)
	}
	fmt.Fprintf(env.Stdout, "next: start the exporter with %s run and the same flags\n", program)
	return nil
}

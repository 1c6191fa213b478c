// Package wherebytest simulates a Whereby account, for tests, demonstrations and benchmarks
// of programs that read the Insights endpoints of Whereby's API.
//
// An [Account] responds as the API's documentation describes, over HTTP (it is an
// [http.Handler]) or within the process (see [Account.RoundTripper]). It can be told to fail
// in the ways in which an API fails (see [Fault]). It knows the truth: the figures that a
// reader of the account must arrive at (see [Account.Truth]).
//
//	account := wherebytest.New(wherebytest.Config{})
//	account.AddRoom(wherebytest.Room{Name: "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd", CreatedAt: time.Now()})
//	account.Inject(wherebytest.Status(http.StatusBadGateway).On(wherebytest.EndpointRooms).Page(2).Times(1))
//	client := &http.Client{Transport: account.RoundTripper()}
//
// What a request costs and how points come back are settings (see [Config].Cost and
// [Config].Limiter), because Whereby documents neither. A [Production] spends points as the
// application does that a reader must never starve.
//
// Likewise, [Insights] has a setting for everything that Whereby leaves open about how rooms
// and sessions are shown. [Account.Truth] is what has been shown, and [Account.Final] what
// will have been shown once Insights has caught up.
//
// [NewAdversary] chooses all of these at random.
//
// An account also knows what happens in its rooms, such as who knocks, joins and leaves, as
// events (see [Account.Events]). A [Sender] delivers them as Whereby delivers webhooks, with
// the same kinds of failures. What a receiver must arrive at is again the truth, but without
// the lag of Insights: see [Account.Live], [Account.Minutes], [Account.Knocks] and
// [Account.HostWaits].
//
//	sender := &wherebytest.Sender{Account: account, URL: "http://127.0.0.1:10037/webhook", Secret: "secret"}
//	err := sender.Run(ctx)
//
// # Time
//
// The account has no clock and no goroutine of its own; a sender has goroutines while it
// runs. Whenever the account is read or changed, it first catches up with time.Now. So it
// also works with the fake time of testing/synctest. Times have a resolution of a
// millisecond, as in the API. What happens at a moment is shown [Config].Lag later.
//
// # Misuse
//
// Methods panic if they are told something impossible, such as a session in a room that was
// never added: in a test, that is a mistake to be found at once.
package wherebytest

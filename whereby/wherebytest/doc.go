// Package wherebytest is a simulated Whereby account for tests, demonstrations
// and benchmarks of programs that read the Insights endpoints of Whereby's API.
//
// An [Account] answers the way the API's documentation says, over HTTP (it is an
// [http.Handler]) or within the process (see [Account.RoundTripper]). It can be
// told to go wrong in the ways an API goes wrong (see [Fault]), and it knows the
// truth: what a reader of the account must arrive at (see [Account.Truth]).
//
//	account := wherebytest.New(wherebytest.Config{})
//	account.AddRoom(wherebytest.Room{Name: "/acme-793e9ec1-c686-423d-9043-9b7a10c553fd", CreatedAt: time.Now()})
//	account.Inject(wherebytest.Status(http.StatusBadGateway).On(wherebytest.EndpointRooms).Page(2).Times(1))
//	client := &http.Client{Transport: account.RoundTripper()}
//
// What a request costs and how points come back are settings (see [Config].Cost and
// [Config].Limiter), as Whereby leaves both open. A [Production] spends the same points
// as the application does that a reader must never get in the way of.
//
// In the same way [Insights] has a switch for whatever Whereby leaves open in the way it
// shows rooms and sessions. [Account.Truth] is what was shown, and [Account.Final] what
// will have been shown once Insights has caught up.
//
// [NewAdversary] draws all of that at random.
//
// It also knows what goes on in its rooms, who knocks, joins and leaves, as events
// (see [Account.Events]); a [Sender] delivers them as Whereby delivers webhooks, and
// goes wrong as Whereby does. What a receiver must arrive at is the truth again, this
// time without the lag of Insights: see [Account.Live], [Account.Minutes],
// [Account.Knocks] and [Account.HostWaits].
//
//	sender := &wherebytest.Sender{Account: account, URL: "http://127.0.0.1:10037/webhook", Secret: "secret"}
//	err := sender.Run(ctx)
//
// # Time
//
// The account has no clock and no goroutine of its own; a sender has goroutines while
// it runs. Whenever it is asked or
// changed it first catches up with time.Now, so it works in the fake time of
// testing/synctest as well. Times have a resolution of a millisecond, as on the
// wire. What happens at a moment is shown [Config].Lag later.
//
// # Misuse
//
// Methods panic when told something that can't be, such as a session in a room
// that was never added: in a test that is a mistake to be found at once.
package wherebytest

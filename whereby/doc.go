// Package whereby reads usage and quality figures from the Insights endpoints
// of Whereby's REST API, version 1.
//
// A [Client] has a usable zero value but for the key:
//
//	client := &whereby.Client{APIKey: whereby.StaticKey(os.Getenv("WHEREBY_API_KEY"))}
//	for page, err := range client.Rooms(ctx, whereby.RoomsQuery{SortBy: "totalSessions:asc"}) {
//		if err != nil {
//			return err
//		}
//		for _, room := range page.Rows {
//			fmt.Println(room.Name, room.ParticipantMinutes)
//		}
//	}
//
// # A good guest
//
// Whereby limits an organization to 100 points a minute (Build plan) or 1000
// (Enterprise plan) over all its keys, so the application that creates rooms lives off
// the same points. A request costs 1 to 10 of them; what each endpoint of Insights
// costs is not documented, and may change. A [Budget] holds a client, or several that
// share it, to a share of the points: every attempt, a retry too, waits for its own.
//
// # Errors
//
// Every call returns one of [*AuthError], [*ThrottledError], [*ServerError],
// [*MalformedError] or [*RequestError], wrapped in an [*Error] that says what
// was being read, or the error of the context. Throttling, server errors and
// malformed answers are retried within the call; the others are final.
//
// Answers are read strictly where it matters (a total that is missing, negative
// or not a number is an error, never a zero) and tolerantly where Whereby may
// add something (unknown fields, absent or null optional ones).
//
// The facts on the API are from https://docs.whereby.com/reference/whereby-rest-api-reference.
package whereby

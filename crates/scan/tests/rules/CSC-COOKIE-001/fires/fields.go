package main

func login(c echo.Context) error {
	u, err := users.Check(c.FormValue("email"), c.FormValue("password"))
	if err != nil {
		return echo.ErrUnauthorized
	}
	token := newToken()
	sessions.Store(token, u.ID)
	cookie := new(http.Cookie)
	cookie.Name = "session"
	cookie.Value = token
	cookie.HttpOnly = true
	c.SetCookie(cookie)
	return c.NoContent(204)
}

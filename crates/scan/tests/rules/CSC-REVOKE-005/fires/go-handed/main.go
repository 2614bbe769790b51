package main

import "net/http"

type Handler struct {
	sessions *SessionStore
	users    *Users
}

func routes(h *Handler) {
	r.Post("/login", h.login)
	r.Get("/account/sessions", h.list)
	r.Delete("/account/sessions/{id}", h.end)
}

func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	u := h.users.Check(r.FormValue("email"), r.FormValue("password"))
	token := randomToken()
	h.sessions.Insert(r.Context(), token, u.ID)
	http.SetCookie(w, &http.Cookie{Name: "session", Value: token, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
}

func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	rows := h.sessions.OfUser(r.Context(), h.caller(r).UserID)
	render(w, rows)
}

func (h *Handler) caller(r *http.Request) *Session {
	c, _ := r.Cookie("session")
	return h.sessions.Find(r.Context(), c.Value)
}

func (h *Handler) end(w http.ResponseWriter, r *http.Request) {
	if err := h.sessions.Delete(r.Context(), chi.URLParam(r, "id"), h.caller(r).UserID); err != nil {
		http.Error(w, "no", 500)
	}
}

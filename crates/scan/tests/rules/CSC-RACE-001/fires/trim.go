package main

// Room is made first, and two sign-ins at once both take it.
const keep = 5

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	token := newToken()
	s.db.Exec(`DELETE FROM sessions WHERE token_hash IN (
		SELECT token_hash FROM sessions WHERE user_id = $1 ORDER BY created_at DESC OFFSET $2)`, user.ID, keep)
	s.db.Exec(`INSERT INTO sessions (token_hash, user_id) VALUES ($1, $2)`, hash(token), user.ID)
	setCookie(w, token)
}

func main() { http.HandleFunc("POST /login", server.login) }

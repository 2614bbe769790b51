package main

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	id := newID()
	s.db.Exec("INSERT INTO sessions (id, user_id) VALUES ($1, $2)", id, user.ID)
	setCookie(w, id)
}

// A page of the list is cut out of it, and nothing ends.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	rows := s.db.Query("SELECT id FROM sessions WHERE user_id = $1 ORDER BY created_at DESC LIMIT 20 OFFSET $2", caller(r).ID, page(r))
	render(w, rows)
}

// What is over is taken away in portions, whoever it belonged to.
func (s *Server) sweep() {
	s.db.Exec("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < now() ORDER BY expires_at LIMIT 1000)")
	s.db.Exec("DELETE FROM sessions WHERE id NOT IN (SELECT id FROM sessions ORDER BY created_at DESC LIMIT 100000)")
}

func main() {
	http.HandleFunc("POST /login", server.login)
	http.HandleFunc("GET /sessions", server.list)
}

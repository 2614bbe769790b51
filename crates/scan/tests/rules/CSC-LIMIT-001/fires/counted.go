package main

// What is counted is attempts, and not sessions.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var n int
	s.db.QueryRow("SELECT count(*) FROM attempts WHERE name = $1", r.FormValue("name")).Scan(&n)
	if n >= 5 {
		http.Error(w, "tried too often", http.StatusTooManyRequests)
		return
	}
	user, err := s.check(r.FormValue("name"), r.FormValue("password"))
	if err != nil {
		return
	}
	id := newID()
	s.db.Exec("INSERT INTO sessions (id, user_id) VALUES ($1, $2)", id, user.ID)
	setCookie(w, id)
}

func main() { http.HandleFunc("POST /login", server.login) }

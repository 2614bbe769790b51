package app;

import org.springframework.security.config.annotation.web.builders.HttpSecurity;

@EnableWebSecurity
class SecurityConfig {

    SecurityFilterChain chain(HttpSecurity http, @Value("${app.max-sessions:-1}") int max) throws Exception {
        http.formLogin(withDefaults());
        http.sessionManagement(s -> s.maximumSessions(max));
        return http.build();
    }
}

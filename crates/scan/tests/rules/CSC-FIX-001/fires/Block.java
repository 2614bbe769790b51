package app;

import org.springframework.security.config.annotation.web.builders.HttpSecurity;

@Configuration
class SecurityConfig {
    @Bean
    SecurityFilterChain chain(HttpSecurity http) throws Exception {
        http.formLogin(withDefaults());
        http.sessionManagement(s -> { s.sessionFixation(f -> { f.none(); }); });
        return http.build();
    }
}
